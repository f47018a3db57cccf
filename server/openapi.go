package server

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// operation is what is said of a route in the description of the API.
type operation struct {
	id    string // name of the operation, for clients that are made from it
	query []parameter
	path  []parameter
	body  any    // value of the type of the JSON body; nil: none
	raw   string // what the body is where it is not one JSON object
	out   any    // value of the type of the answer; nil: plain text or none
	ok    int    // status of success; 0: 200
	plain string // media type of an answer that is not JSON
	codes []string
}

// parameter is a part of the path or of the query.
type parameter struct {
	name, kind string // kind: string, integer, boolean
	about      string
	many       bool     // may be repeated
	words      []string // that it can be; none: any
}

// node is a JSON object of the description. encoding/json writes its names in
// order, so the description is the same each time.
type node = map[string]any

// describe is set once the routes are, of which it is one.
var describe func() []byte

func init() {
	describe = sync.OnceValue(func() []byte {
		text, err := json.MarshalIndent(document(), "", "  ")
		if err != nil {
			panic("server: " + err.Error()) // it is made of maps and texts
		}
		return append(text, '\n')
	})
}

// OpenAPI is the description of the API in OpenAPI 3.0.
func OpenAPI() []byte { return slices.Clone(describe()) }

// getOpenAPI describes the API.
func (s *Server) getOpenAPI(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	header(w, http.StatusOK)
	_, _ = w.Write(describe())
	return nil
}

// document makes the description from the routes.
func document() node {
	sch := schemas{named: node{}}
	paths := node{}
	for _, r := range api {
		item, _ := paths[r.path].(node)
		if item == nil {
			item = node{}
			paths[r.path] = item
		}
		op := operations[r.method+" "+r.path]
		item[strings.ToLower(r.method)] = op.node(&r, &sch)
	}
	sch.named["Error"] = node{
		"type": "object", "required": []string{"error"},
		"properties": node{"error": node{"type": "object", "required": []string{"code", "message"}, "properties": node{
			"code":       node{"type": "string", "description": "stable: scripts are written against it"},
			"message":    node{"type": "string", "description": "what is wrong"},
			"hint":       node{"type": "string", "description": "what to do"},
			"request_id": node{"type": "string", "description": "under which the server's log says more"},
		}}},
	}
	return node{
		"openapi": "3.0.3",
		"info": node{"title": "Weir", "version": "1", "license": node{"name": "Apache 2.0"},
			"description": "Events come in, alerts go out. Every error is {\"error\":{code,message,hint,request_id}}. x-weir-role is the role that a caller needs where the server has tokens."},
		"servers":  []node{{"url": "/"}},
		"security": []node{{"token": []string{}}, {"session": []string{}}, {}},
		"paths":    paths,
		"components": node{
			"schemas": sch.named,
			"securitySchemes": node{
				"token":   node{"type": "http", "scheme": "bearer"},
				"session": node{"type": "apiKey", "in": "cookie", "name": cookieName},
			},
		},
	}
}

// node describes one route.
func (o *operation) node(r *route, sch *schemas) node {
	tag := strings.SplitN(strings.TrimPrefix(strings.TrimPrefix(r.path, "/api/v1"), "/"), "/", 2)[0]
	n := node{"operationId": o.id, "summary": r.summary, "tags": []string{tag}, "x-weir-role": r.role.String(), "responses": o.answers(r, sch)}
	if r.role == RoleNone {
		n["security"] = []node{{}}
	}
	params := []node{}
	for _, p := range o.path {
		params = append(params, p.node("path"))
	}
	for _, p := range o.query {
		params = append(params, p.node("query"))
	}
	if len(params) > 0 {
		n["parameters"] = params
	}
	switch {
	case o.raw != "":
		n["requestBody"] = node{"required": true, "description": o.raw, "content": node{
			"application/x-ndjson": node{"schema": node{"type": "string"}}, "application/json": node{"schema": node{}}}}
	case o.body != nil:
		n["requestBody"] = node{"required": true, "content": node{"application/json": node{"schema": sch.of(o.body)}}}
	}
	return n
}

// answers describes what a route answers with.
func (o *operation) answers(r *route, sch *schemas) node {
	ok := node{"description": "done"}
	switch {
	case o.out != nil:
		ok["content"] = node{"application/json": node{"schema": sch.of(o.out)}}
	case o.plain != "":
		ok["content"] = node{o.plain: node{"schema": node{"type": "string"}}}
	}
	status := o.ok
	if status == 0 {
		status = http.StatusOK
	}
	all := node{itoa(status): ok}
	codes := append([]string{codeParameter, codeInURL, codeHost, codeInternal}, o.codes...)
	if r.role != RoleNone {
		codes = append(codes, codeUnauthorized, codeRole, codeTries)
	}
	if r.method != http.MethodGet {
		codes = append(codes, codeForbidden)
	}
	if o.body != nil {
		codes = append(codes, codeBody, codeEmpty, codeLarge, codeSlow)
	}
	byStatus := map[string][]string{}
	for _, c := range codes {
		at := itoa(statusOf[c])
		if !slices.Contains(byStatus[at], c) {
			byStatus[at] = append(byStatus[at], c)
		}
	}
	for at, codes := range byStatus {
		slices.Sort(codes)
		all[at] = node{"description": strings.Join(codes, ", "), "content": node{"application/json": node{"schema": node{"$ref": "#/components/schemas/Error"}}}}
	}
	if o.plain != "" && slices.Contains(o.codes, codeUnavailable) {
		all["503"] = node{"description": "not ready", "content": node{o.plain: node{"schema": node{"type": "string"}}}}
	}
	return all
}

func (p *parameter) node(in string) node {
	schema := node{"type": p.kind}
	if len(p.words) > 0 {
		schema["enum"] = p.words
	}
	if p.many {
		schema = node{"type": "array", "items": schema}
	}
	n := node{"name": p.name, "in": in, "description": p.about, "schema": schema}
	if in == "path" {
		n["required"] = true
	}
	return n
}

func itoa(status int) string {
	return string([]byte{'0' + byte(status/100), '0' + byte(status/10%10), '0' + byte(status%10)})
}
