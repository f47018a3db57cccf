package client

import (
	"context"
	"encoding/json"
	"net/url"
	"time"
)

// Rule is a rule that runs, with its counters.
type Rule struct {
	Name       string `json:"name"`
	Title      string `json:"title"`
	Version    string `json:"version"`
	Status     string `json:"status"` // live, shadow, off
	File       string `json:"file"`
	Line       int    `json:"line"`
	Managed    string `json:"managed_by"` // file, api
	Matches    uint64 `json:"matches"`
	Alerts     uint64 `json:"alerts"`
	Suppressed uint64 `json:"suppressed"`
	KeyMissing uint64 `json:"key_missing"`
	EvalErrors uint64 `json:"eval_errors"`
	Capped     uint64 `json:"runs_capped"`
	Bytes      int64  `json:"state_bytes"`
}

// RuleVersion is a rule as it was once.
type RuleVersion struct {
	Version string    `json:"version"`
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Reason  string    `json:"reason"`
	Text    string    `json:"text"`
}

// RuleStory is a rule with its text and what it was before.
type RuleStory struct {
	Rule
	Text     string        `json:"text"`
	Versions []RuleVersion `json:"versions"`
}

// Rules are the rules that run, and how the last change of their files went.
type Rules struct {
	Items       []Rule    `json:"items"`
	Hash        string    `json:"hash"`
	ReloadAt    time.Time `json:"last_reload"`
	ReloadGood  bool      `json:"last_reload_successful"`
	ReloadError string    `json:"last_reload_error"`
}

// Rules lists the rules.
func (c *Client) Rules(ctx context.Context) (r Rules, err error) {
	err = c.Get(ctx, "/api/v1/rules", nil, &r)
	return r, err
}

// Rule reads one rule.
func (c *Client) Rule(ctx context.Context, name string) (r RuleStory, raw json.RawMessage, err error) {
	if err := c.Get(ctx, "/api/v1/rules/"+url.PathEscape(name), nil, &raw); err != nil {
		return r, nil, err
	}
	// The rule stands beside its text, or within.
	var within struct{ Rule *Rule }
	if err := json.Unmarshal(raw, &within); err == nil && within.Rule != nil {
		r.Rule = *within.Rule
	}
	err = json.Unmarshal(raw, &r)
	return r, raw, err
}

// Apply is a rule file that is to be in force.
type Apply struct {
	File   string `json:"file"`
	Text   string `json:"text"`
	Reason string `json:"reason"`
	Carry  string `json:"carry,omitempty"` // keep, reset
}

// ApplyRules puts a rule file in force.
func (c *Client) ApplyRules(ctx context.Context, a Apply) (raw json.RawMessage, err error) {
	err = c.Post(ctx, "/api/v1/rules/apply", a, &raw)
	return raw, err
}

// CheckRules compiles a rule file as the server would, and changes nothing.
func (c *Client) CheckRules(ctx context.Context, file, text string) (raw json.RawMessage, err error) {
	err = c.Post(ctx, "/api/v1/rules/check", map[string]string{"file": file, "text": text}, &raw)
	return raw, err
}

// RemoveRules takes a rule file out of force.
func (c *Client) RemoveRules(ctx context.Context, file, reason string) error {
	return c.Delete(ctx, "/api/v1/rules/files/"+url.PathEscape(file), reasonOf(reason), nil)
}

func reasonOf(reason string) any {
	if reason == "" {
		return nil
	}
	return map[string]string{"reason": reason}
}

// SetStatus makes a rule live, shadow or off.
func (c *Client) SetStatus(ctx context.Context, name, status, reason string) (raw json.RawMessage, err error) {
	err = c.Post(ctx, "/api/v1/rules/"+url.PathEscape(name)+"/status", map[string]string{"status": status, "reason": reason}, &raw)
	return raw, err
}

// Rollback puts a rule back to what it was in a version.
func (c *Client) Rollback(ctx context.Context, name, version, reason string) (raw json.RawMessage, err error) {
	err = c.Post(ctx, "/api/v1/rules/"+url.PathEscape(name)+"/rollback", map[string]string{"version": version, "reason": reason}, &raw)
	return raw, err
}
