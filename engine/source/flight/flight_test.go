package flight_test

import (
	"context"
	"errors"
	"testing"

	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/engine/source/flight"
	"github.com/weir-cep/weir/engine/source/sourcetest"
)

func TestFlight(t *testing.T) {
	ctx := t.Context()
	in := sourcetest.New()
	p, err := in.Partition("p", -1)
	if err != nil {
		t.Fatal(err)
	}
	f := flight.New(p)
	var told []error
	put := func(text string) error {
		return f.Put(ctx, engine.Chunk{Data: []byte(text + "\n"), First: -1, Cursor: []byte(text), Durable: func(err error) { told = append(told, err) }})
	}
	if err := f.Wait(ctx); err != nil { // nothing is on its way
		t.Fatal(err)
	}
	in.Hold()
	for _, text := range []string{"a", "b"} {
		if err := put(text); err != nil {
			t.Fatal(err)
		}
	}
	short, cancel := context.WithCancel(ctx)
	cancel()
	if err := f.Wait(short); !errors.Is(err, context.Canceled) {
		t.Errorf("chunks are on their way and Wait says %v", err)
	}
	in.Release()
	if err := f.Wait(ctx); err != nil || len(told) != 2 || string(p.Cursor()) != "b" {
		t.Errorf("%v, %d told, cursor %q", err, len(told), p.Cursor())
	}

	// Behind one that was refused nothing goes.
	in.Hold()
	if err := put("c"); err != nil {
		t.Fatal(err)
	}
	in.Stall()
	<-f.Failed()
	in.Release()
	in.Resume()
	if err := put("d"); !errors.Is(err, engine.ErrStalled) {
		t.Errorf("a hole: %v", err)
	}
	if err := f.Wait(ctx); !errors.Is(err, engine.ErrStalled) || f.Err() == nil || string(p.Cursor()) != "b" {
		t.Errorf("%v, cursor %q", err, p.Cursor())
	}
}
