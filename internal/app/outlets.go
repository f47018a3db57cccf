package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/alerts/sink"
	"github.com/weir-cep/weir/alerts/sink/webhook"
	"github.com/weir-cep/weir/dsl"
)

// outlets are all ways that alerts leave by themselves: lanes to files and
// brokers, and webhooks.
type outlets struct {
	lanes *sink.Lanes
	hooks *webhook.Endpoints
}

func newOutlets(log *alerts.Log, external string, logger *slog.Logger) outlets {
	return outlets{sink.NewLanes(log, sinkKinds, logger), webhook.New(webhook.Config{Log: log, Logger: logger, Base: external})}
}

// sinkSpecs are the sinks that rules of the program send to.
func sinkSpecs(prog *dsl.Program, d *daemon) (specs []sink.Spec) {
	for _, ir := range prog.Sinks {
		specs = append(specs, sink.Spec{IR: ir, Stdout: d.streams.Out, Logger: d.log})
	}
	return specs
}

// check says what is wrong with the sinks of a program that is not yet to run.
func (o *outlets) check(specs []sink.Spec) error {
	return errors.Join(o.lanes.Check(specs), o.hooks.Check(specs))
}

// set makes the outlets those of the given sinks.
func (o *outlets) set(specs []sink.Spec) error {
	if err := o.check(specs); err != nil {
		return err
	}
	return errors.Join(o.lanes.Set(specs), o.hooks.Set(specs))
}

// close lets all deliver what is there until ctx ends.
func (o *outlets) close(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { o.lanes.Close(ctx) })
	wg.Go(func() { o.hooks.Close(ctx) })
	wg.Wait()
}
