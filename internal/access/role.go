package access

import (
	"fmt"
	"slices"
	"strings"
)

// Role is what a caller may do. Each may do what those before it may, but for
// Sender, which stands apart: it may send events and nothing else.
type Role uint8

// The roles.
const (
	None     Role = iota // whoever reaches the server
	Viewer               // read
	Analyst              // triage alerts, silence, send a delivery again
	Author               // write rules in shadow, edit lists
	Approver             // put rules live, take them off
	Operator             // send events, savepoints, endpoints, erasure
	Admin                // everything
	Sender               // send events; for devices and services
)

var roleNames = [...]string{"none", "viewer", "analyst", "author", "approver", "operator", "admin", "sender"}

func (r Role) String() string {
	if int(r) < len(roleNames) {
		return roleNames[r]
	}
	return fmt.Sprintf("role %d", r)
}

// RoleNames are the roles that a token can have.
func RoleNames() []string { return slices.Clone(roleNames[1:]) }

// ParseRole reads a role that a token can have by its name.
func ParseRole(text string) (Role, error) {
	i := slices.Index(roleNames[1:], text)
	if i < 0 {
		return None, fmt.Errorf("there is no role %q; there are: %s", text, strings.Join(roleNames[1:], ", "))
	}
	return Role(i + 1), nil
}

// MarshalText writes a role by its name.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// May says whether a caller of this role may do what needs another.
func (r Role) May(need Role) bool {
	switch {
	case need == None, need == r:
		return true
	case r == Sender:
		return false
	case need == Sender:
		return r >= Operator
	}
	return r >= need
}
