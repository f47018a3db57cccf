//go:build unix

package app

import (
	"context"
	"fmt"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/weir-cep/weir/engine/source/servertest"
)

// Events, a list and the alerts go through a real Redis, which is killed
// meanwhile, and so is weir.
func TestServeRedis(t *testing.T) {
	inFolder(t)
	real := servertest.StartRedis(t)
	ctx := context.Background()
	client := redis.NewClient(&redis.Options{Addr: real.Addr})
	defer client.Close()
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	add := func(i int, k string) {
		t.Helper()
		do(client.XAdd(ctx, &redis.XAddArgs{Stream: "events", Values: []string{"type", "E", "at", fmt.Sprintf("2026-01-31T10:%02d:00Z", i), "id", fmt.Sprint("e", i), "k", k}}).Err())
	}
	write(t, "r.cep", fmt.Sprintf(`event E { time at  id id  at: timestamp  id: string  k: string }
source stream of E from redis { address: %q, stream: "events", group: "weir", order: arrival }
list watched of string from redis { address: %[1]q, key: "watched", refresh: 1s }
sink out to redis { address: %[1]q, stream: "alerts" }
rule seen { by k on E when k in watched alert { message "{k}"  to out } }
`, real.Addr))
	do(client.SAdd(ctx, "watched", "a").Err())
	add(1, "a")
	add(2, "b")

	p := serve(t, "state", "r.cep")
	p.alerts(0, 1)
	do(client.SAdd(ctx, "watched", "b").Err())
	p.until("the list is taken up", func() bool {
		var pipeline struct {
			Lists []struct{ Rows int } `json:"lists_and_tables"`
		}
		p.get("/api/v1/pipeline", &pipeline)
		return len(pipeline.Lists) == 1 && pipeline.Lists[0].Rows == 2
	})
	real.Kill()
	p.until("the source is down", func() bool {
		var pipeline struct {
			Sources []struct{ Error string }
		}
		p.get("/api/v1/pipeline", &pipeline)
		return len(pipeline.Sources) == 1 && pipeline.Sources[0].Error != ""
	})
	if ready := p.metric("weir_ready"); ready != "1" {
		t.Errorf("ready is %s: a broker that is away is no reason to send requests elsewhere", ready)
	}
	real.Start()
	add(3, "b")
	p.alerts(1, 1)
	p.stop(syscall.SIGKILL)

	add(4, "a")
	p = serve(t, "state", "r.cep")
	p.alerts(2, 1)
	want := map[string]bool{}
	for _, a := range p.alerts(0, 3) {
		want[a.ID] = true
	}
	p.until("the alerts are sent", func() bool {
		entries, err := client.XRange(ctx, "alerts", "-", "+").Result()
		do(err)
		sent := map[string]bool{}
		for _, e := range entries {
			id, _ := e.Values["alert_id"].(string)
			if !want[id] {
				t.Fatalf("an alert that is not in the log: %v", e.Values)
			}
			sent[id] = true
		}
		return len(sent) == len(want)
	})
	if code := p.stop(syscall.SIGTERM); code != exitOK {
		t.Fatalf("exit code %d:\n%s", code, p.errs)
	}
}
