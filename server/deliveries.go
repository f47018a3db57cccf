package server

import (
	"context"
	"math"
	"net/http"
	"strconv"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/alerts/sink/webhook"
)

var deliveryRoutes = []route{
	{"GET", "/api/v1/deliveries", RoleViewer, "messages to webhooks, and their tries", (*Server).getDeliveries},
	{"POST", "/api/v1/deliveries/retry", RoleAnalyst, "send messages again", (*Server).postRetry},
	{"POST", "/api/v1/deliveries/purge", RoleOperator, "give messages up", (*Server).postPurge},
}

// Endpoints is what the server needs of the webhooks; *webhook.Endpoints has it.
type Endpoints interface {
	Stats() []webhook.Stats
	Retry(ctx context.Context, sel webhook.Selection) (int, error)
	Purge(ctx context.Context, sel webhook.Selection, by string) (int, error)
	Test(ctx context.Context, name string) (alerts.Delivery, error)
	Enable(ctx context.Context, name, by string) error
	Disable(ctx context.Context, name, by, why string) error
}

// deliveryItem is a message to a webhook, and its tries.
type deliveryItem struct {
	ID       string        `json:"id"`         // sink/number, by which it is sent again
	Sink     string        `json:"sink"`       //
	Message  string        `json:"message_id"` // the receiver's webhook-id, the same in all tries
	Type     string        `json:"type"`
	Seq      uint64        `json:"alert,omitempty"` // number of the alert, if it is about one
	Rule     string        `json:"rule,omitempty"`
	Key      string        `json:"key,omitempty"`
	State    string        `json:"state"`
	Created  stamp         `json:"created"`
	Next     stamp         `json:"next"` // of the next try; null: there is none
	Tries    int           `json:"tries"`
	Attempts []attemptItem `json:"attempts"` // the last 20
	Reason   string        `json:"reason,omitempty"`
}

type attemptItem struct {
	At       stamp   `json:"at"`
	Took     seconds `json:"seconds"`
	Status   int     `json:"status,omitempty"`
	Error    string  `json:"error,omitempty"`
	Response string  `json:"response,omitempty"`
}

func deliveryOf(d *alerts.Delivery) deliveryItem {
	item := deliveryItem{webhook.Handle(d), d.Sink, d.ID, d.Type, d.Seq, d.Rule, d.Key, d.State.String(), stamp(d.Created), 0, d.Tries, []attemptItem{}, d.Reason}
	if d.State == alerts.DeliveryPending {
		item.Next = stamp(d.Next)
	}
	for _, a := range d.Attempts {
		item.Attempts = append(item.Attempts, attemptItem{stamp(a.At), seconds(a.Took), a.Status, a.Error, a.Response})
	}
	return item
}

func deliveryItems(list []alerts.Delivery) []deliveryItem {
	items := make([]deliveryItem, 0, len(list))
	for i := range list {
		items = append(items, deliveryOf(&list[i]))
	}
	return items
}

type deliveriesAnswer struct {
	Items []deliveryItem `json:"items"`
	Next  string         `json:"next,omitempty"` // go on with after=next; none: that was all
}

// getDeliveries answers with messages to webhooks: of one sink the newest
// first, about an alert in their order.
func (s *Server) getDeliveries(w http.ResponseWriter, r *http.Request) error {
	lists, err := queryLists(r, "sink", "state", "alert", "after", "limit")
	if err != nil {
		return err
	}
	if s.alerts == nil {
		return errNoLog
	}
	states, err := deliveryStates(lists["state"])
	if err != nil {
		return err
	}
	delete(lists, "state")
	q, err := once(lists)
	if err != nil {
		return err
	}
	if q["after"] != "" && q["sink"] == "" {
		return fail(codeParameter, "after goes with sink").hint("page through one sink's deliveries: sink=NAME&after=NEXT")
	}
	ask := alerts.DeliveryQuery{Sink: q["sink"], States: states}
	if ask.Seq, err = number(q, "alert", 0, 1, math.MaxInt64); err != nil {
		return err
	}
	if ask.Below, err = number(q, "after", 0, 1, math.MaxInt64); err != nil {
		return err
	}
	limit, err := number(q, "limit", uint64(s.limits.PageDefault), 1, uint64(s.limits.Page))
	if err != nil {
		return err
	}
	ask.Limit = int(limit)
	list, err := s.alerts.Deliveries(ask)
	if err != nil {
		return err
	}
	out := deliveriesAnswer{Items: deliveryItems(list)}
	if len(list) == ask.Limit && ask.Sink != "" && ask.Seq == 0 {
		out.Next = strconv.FormatUint(list[len(list)-1].N, 10)
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func deliveryStates(words []string) (states []alerts.DeliveryState, err error) {
	for _, word := range words {
		state, err := alerts.ParseDeliveryState(word)
		if err != nil {
			return nil, err
		}
		states = append(states, state)
	}
	return states, nil
}

// selectionAsk says which messages are meant.
type selectionAsk struct {
	Sink   string   `json:"sink,omitempty"`
	States []string `json:"states,omitempty"`
	Since  string   `json:"since,omitempty"`
	IDs    []string `json:"ids,omitempty"`
}

// countAnswer is how many there were.
type countAnswer struct {
	Count int `json:"count"`
}

func (s *Server) postRetry(w http.ResponseWriter, r *http.Request) error {
	return s.onDeliveries(w, r, "deliveries_retry", func(ctx context.Context, sel webhook.Selection) (int, error) { return s.endpoints.Retry(ctx, sel) })
}

func (s *Server) postPurge(w http.ResponseWriter, r *http.Request) error {
	return s.onDeliveries(w, r, "deliveries_purge", func(ctx context.Context, sel webhook.Selection) (int, error) {
		return s.endpoints.Purge(ctx, sel, identity(r).Name)
	})
}

// onDeliveries does something with the messages that are meant, and notes it.
func (s *Server) onDeliveries(w http.ResponseWriter, r *http.Request, kind string, do func(context.Context, webhook.Selection) (int, error)) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	if s.endpoints == nil {
		return errNoEndpoints
	}
	var ask selectionAsk
	if err := s.readJSON(w, r, &ask); err != nil {
		return err
	}
	if ask.Sink == "" && len(ask.States) == 0 && ask.Since == "" && len(ask.IDs) == 0 {
		return fail(codeBody, "no message is named").hint(`name a sink, states, a time or ids: {"sink":"cases"}, {"states":["dead"],"since":"2026-01-31T10:00:00Z"}`)
	}
	sel := webhook.Selection{Sink: ask.Sink, IDs: ask.IDs}
	var err error
	if sel.States, err = deliveryStates(ask.States); err != nil {
		return err
	}
	var e *Error
	if sel.Since, e = timeIn("since", ask.Since); e != nil {
		return e
	}
	n, err := do(r.Context(), sel)
	if err != nil {
		return err
	}
	if n > 0 && s.alerts != nil {
		if _, err := s.alerts.Note(kind, strconv.Itoa(n)+" messages", identity(r).Name); err != nil {
			return err
		}
	}
	writeJSON(w, http.StatusOK, countAnswer{n})
	return nil
}
