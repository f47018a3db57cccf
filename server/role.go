package server

import (
	"context"
	"net/http"

	"github.com/weir-cep/weir/internal/access"
)

// Role is what a caller may do.
type Role = access.Role

// The roles. Each may do what those before it may, but for RoleSender, which
// stands apart; as what a route needs, it is met by RoleOperator too.
const (
	RoleNone     = access.None
	RoleViewer   = access.Viewer
	RoleAnalyst  = access.Analyst
	RoleAuthor   = access.Author
	RoleApprover = access.Approver
	RoleOperator = access.Operator
	RoleAdmin    = access.Admin
	RoleSender   = access.Sender
)

// Identity is who sends a request. The zero Identity is somebody who has not
// said who they are, though they would have to.
type Identity struct {
	Name string // stands in audit trails as "by"
	Role Role

	token access.Hash // that it comes from
}

// local is who everybody is where nobody has to say who they are.
var local = Identity{Name: "local", Role: RoleAdmin}

type identityKey struct{}

// identity is who sends a request.
func identity(r *http.Request) Identity {
	if who, ok := r.Context().Value(identityKey{}).(Identity); ok {
		return who
	}
	return local
}

// withIdentity makes a request somebody's.
func withIdentity(r *http.Request, who Identity) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), identityKey{}, who))
}
