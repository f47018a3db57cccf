package server

import (
	"context"
	"net/http"
)

// Role is what a caller may do. Each role may do what those before it may.
type Role uint8

// The roles.
const (
	RoleNone     Role = iota // whoever reaches the server
	RoleViewer               // read
	RoleAnalyst              // triage alerts, silence, send a delivery again
	RoleAuthor               // write rules in shadow, edit lists
	RoleApprover             // put rules live, take them off
	RoleOperator             // send events, savepoints, endpoints, erasure
	RoleAdmin                // everything
)

// Identity is who sends a request.
type Identity struct {
	Name string // stands in audit trails as "by"
	Role Role
}

type identityKey struct{}

// identity is who sends a request. Where nobody has to say who they are, it is
// somebody local who may do everything.
func identity(r *http.Request) Identity {
	if who, ok := r.Context().Value(identityKey{}).(Identity); ok {
		return who
	}
	return Identity{Name: "local", Role: RoleAdmin}
}

// withIdentity makes a request somebody's.
func withIdentity(r *http.Request, who Identity) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), identityKey{}, who))
}
