package server

import (
	"encoding/json"
)

var openapiRoutes = []route{
	{"GET", "/api/v1/openapi.json", RoleNone, "this description", (*Server).getOpenAPI},
}

// What lists answer with.

type alertsAnswer struct {
	Items []json.RawMessage `json:"items"`
	Next  uint64            `json:"next"`
	Head  uint64            `json:"head"`
	First uint64            `json:"first"`
}

type deadAnswer struct {
	Items []deadItem `json:"items"`
	Next  uint64     `json:"next"`
}

type lateAnswer struct {
	Items []lateItem `json:"items"`
	Next  uint64     `json:"next"`
}

type limitsAnswer struct {
	Limits []Limit `json:"limits"`
}

type savepointAsk struct {
	Dir string `json:"dir"`
}

type eraseAsk struct {
	Field string `json:"field"`
	Value string `json:"value"`
	Type  string `json:"type,omitempty"`
}

var (
	ruleParam  = parameter{name: "name", kind: "string", about: "of the rule"}
	listParam  = parameter{name: "name", kind: "string", about: "of the list"}
	afterParam = parameter{name: "after", kind: "integer", about: "go on behind this number"}
	limitParam = parameter{name: "limit", kind: "integer", about: "items at most"}
	sinkParam  = parameter{name: "sink", kind: "string", about: "name of a webhook"}
	whichAlert = []parameter{
		{name: "filter", kind: "string", about: "in the filter language, such as: severity>=high and state=open"},
		{name: "rule", kind: "string", about: "of one of these rules", many: true},
		{name: "min_severity", kind: "string", about: "as severe as this, or more", words: []string{"low", "medium", "high", "critical"}},
		{name: "key", kind: "string", about: "of this key"},
		{name: "from", kind: "string", about: "event time from this on, RFC 3339"},
		{name: "before", kind: "string", about: "event time before this, RFC 3339; with last also a number: alerts below it"},
	}
	deliveryWords = []string{"pending", "delivered", "dead"}
	notThere      = []string{codeUnavailable, codeStopping, codeStalled}
)

// operations say of every route what its line does not; a test wants all of
// them here.
var operations = map[string]operation{
	"POST /api/v1/events": {id: "postEvents", query: []parameter{{name: "source", kind: "string", about: "which source they are of, where several take events over HTTP"}}, raw: "events as NDJSON, or as a JSON array; plain, gzip or zstd", out: ingested{},
		codes: []string{codeBody, codeEmpty, codeSource, codeLarge, codeType, codeEncoding, codeSlow, codeBusy, codeStalled, codeStopping, codeUnavailable}},
	"GET /api/v1/dead-letters": {id: "getDeadLetters", query: []parameter{afterParam, limitParam}, out: deadAnswer{}, codes: notThere},
	"GET /api/v1/late":         {id: "getLate", query: []parameter{afterParam, limitParam}, out: lateAnswer{}, codes: notThere},
	"GET /api/v1/alerts": {id: "getAlerts", out: alertsAnswer{}, codes: append([]string{codeBusy}, notThere...), query: append([]parameter{afterParam, limitParam,
		{name: "wait", kind: "string", about: "time to wait for an alert, such as 30s"}, {name: "last", kind: "integer", about: "the newest so many, newest first"}}, whichAlert...)},
	"GET /api/v1/alerts/{seq}":     {id: "getAlert", path: []parameter{{name: "seq", kind: "integer", about: "number of the alert"}}, out: alertAnswer{}, codes: append([]string{codeNotFound}, notThere...)},
	"GET /api/v1/alerts/groups":    {id: "getGroups", query: append([]parameter{{name: "by", kind: "string", about: "what they have in common", words: []string{"rule", "key", "rule,key", "key,rule"}}, limitParam}, whichAlert...), out: groupsAnswer{}, codes: notThere},
	"POST /api/v1/alerts/triage":   {id: "postTriage", body: triageAsk{}, out: triageAnswer{}, codes: append([]string{codeChange, codeNotFound}, notThere...)},
	"GET /api/v1/actions":          {id: "getActions", query: []parameter{afterParam, limitParam}, out: actionsAnswer{}, codes: notThere},
	"GET /api/v1/silences":         {id: "getSilences", query: []parameter{{name: "past", kind: "boolean", about: "those that have ended, too"}}, out: silencesAnswer{}, codes: notThere},
	"POST /api/v1/silences":        {id: "postSilence", body: silenceAsk{}, out: silenceItem{}, ok: 201, codes: append([]string{codeChange}, notThere...)},
	"DELETE /api/v1/silences/{id}": {id: "deleteSilence", path: []parameter{{name: "id", kind: "string", about: "of the silence"}}, ok: 204, codes: append([]string{codeNotFound}, notThere...)},
	"GET /api/v1/deliveries": {id: "getDeliveries", out: deliveriesAnswer{}, codes: append([]string{codeChange}, notThere...), query: []parameter{sinkParam, {name: "state", kind: "string", about: "in one of these states", many: true, words: deliveryWords},
		{name: "alert", kind: "integer", about: "about this alert"}, {name: "after", kind: "integer", about: "go on behind next of the page before; goes with sink"}, limitParam}},
	"POST /api/v1/deliveries/retry":         {id: "postRetry", body: selectionAsk{}, out: countAnswer{}, codes: append([]string{codeNotFound, codeChange}, notThere...)},
	"POST /api/v1/deliveries/purge":         {id: "postPurge", body: selectionAsk{}, out: countAnswer{}, codes: append([]string{codeNotFound, codeChange}, notThere...)},
	"GET /api/v1/endpoints":                 {id: "getEndpoints", out: endpointsAnswer{}},
	"POST /api/v1/endpoints/{sink}/test":    {id: "postEndpointTest", path: []parameter{sinkParam}, out: deliveryItem{}, codes: append([]string{codeNotFound}, notThere...)},
	"POST /api/v1/endpoints/{sink}/enable":  {id: "postEndpointEnable", path: []parameter{sinkParam}, out: endpointsAnswer{}, codes: append([]string{codeNotFound}, notThere...)},
	"POST /api/v1/endpoints/{sink}/disable": {id: "postEndpointDisable", path: []parameter{sinkParam}, body: reasonAsk{}, out: endpointsAnswer{}, codes: append([]string{codeNotFound}, notThere...)},
	"GET /api/v1/pipeline":                  {id: "getPipeline", out: pipeline{}},
	"GET /api/v1/limits":                    {id: "getLimits", out: limitsAnswer{}},
	"GET /api/v1/rules":                     {id: "getRules", out: node{"type": "object", "required": []string{"items", "hash"}, "properties": node{"items": node{"type": "array", "items": node{"type": "object"}}, "hash": node{"type": "string"}}}},
	"GET /api/v1/rules/{name}":              {id: "getRule", path: []parameter{ruleParam}, out: ruleAnswer{}, codes: append([]string{codeNotFound}, notThere...)},
	"POST /api/v1/rules/check":              {id: "postCheck", body: checkAsk{}, out: node{"type": "object", "required": []string{"ok", "diagnostics", "text"}, "properties": node{"ok": node{"type": "boolean"}, "text": node{"type": "string"}, "diagnostics": node{"type": "array", "items": node{"type": "object"}}}}, codes: append([]string{codeChange}, notThere...)},
	"POST /api/v1/rules/apply":              {id: "postApply", body: applyAsk{}, out: applyAnswer{}, codes: append([]string{codeChange, codeRules, codeRole}, notThere...)},
	"DELETE /api/v1/rules/files/{file}":     {id: "deleteRuleFile", path: []parameter{{name: "file", kind: "string", about: "name of a file that was applied"}}, body: reasonAsk{}, ok: 204, codes: append([]string{codeChange, codeRules}, notThere...)},
	"POST /api/v1/rules/{name}/status":      {id: "postRuleStatus", path: []parameter{ruleParam}, body: statusAsk{}, out: ruleAnswer{}, codes: append([]string{codeNotFound, codeChange, codeRules}, notThere...)},
	"POST /api/v1/rules/{name}/rollback":    {id: "postRollback", path: []parameter{ruleParam}, body: rollbackAsk{}, out: applyAnswer{}, codes: append([]string{codeNotFound, codeChange, codeRules}, notThere...)},
	"GET /api/v1/lists":                     {id: "getLists", out: listsAnswer{}, codes: notThere},
	"GET /api/v1/lists/{name}":              {id: "getList", path: []parameter{listParam}, out: listAnswer{}, codes: append([]string{codeNotFound}, notThere...)},
	"POST /api/v1/lists/{name}/entries":     {id: "postEntries", path: []parameter{listParam}, body: entriesAsk{}, out: listAnswer{}, codes: append([]string{codeNotFound, codeChange}, notThere...)},
	"GET /api/v1/keys/{key}/runs":           {id: "getRuns", path: []parameter{{name: "key", kind: "string", about: "as alerts show it, parts with commas between"}}, query: []parameter{{name: "rule", kind: "string", about: "of this rule only"}}, out: runsAnswer{}, codes: append([]string{codeNotFound}, notThere...)},
	"GET /api/v1/state":                     {id: "getState", out: stateAnswer{}, codes: notThere},
	"POST /api/v1/state/savepoint":          {id: "postSavepoint", body: savepointAsk{}, out: Savepoint{}, codes: append([]string{codeExists}, notThere...)},
	"POST /api/v1/state/erase":              {id: "postErase", body: eraseAsk{}, out: node{"type": "object", "required": []string{"again_seconds", "text"}, "properties": node{"again_seconds": node{"type": "number"}, "text": node{"type": "string"}}}, codes: notThere},
	"GET /api/v1/stream": {id: "getStream", plain: "text/event-stream", codes: append([]string{codeUpgrade, codeBusy}, notThere...), query: []parameter{
		{name: "filter", kind: "string", about: "in the filter language"}, {name: "after", kind: "string", about: "go on behind this alert, or where an event's id says"},
		{name: "snapshot", kind: "integer", about: "alerts to begin with"}, {name: "id", kind: "string", about: "that frames name"}}},
	"GET /livez":               {id: "getLive", plain: "text/plain"},
	"GET /readyz":              {id: "getReady", query: []parameter{{name: "verbose", kind: "string", about: "check by check"}}, plain: "text/plain", codes: []string{codeUnavailable, codeUnauthorized, codeRole}},
	"GET /metrics":             {id: "getMetrics", plain: "text/plain"},
	"GET /api/v1/session":      {id: "getSession", out: sessionAnswer{}, codes: []string{codeUnauthorized}},
	"POST /api/v1/session":     {id: "postSession", body: sessionAsk{}, out: sessionAnswer{}, codes: []string{codeUnauthorized, codeTries}},
	"DELETE /api/v1/session":   {id: "deleteSession", ok: 204, codes: []string{codeUnauthorized}},
	"GET /api/v1/openapi.json": {id: "getOpenAPI", out: node{"type": "object"}},
}
