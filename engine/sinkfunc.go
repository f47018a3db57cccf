package engine

import (
	"sync/atomic"

	"github.com/weir-cep/weir/cep"
)

// SinkFunc makes a sink that hands every alert to f and keeps nothing, for
// programs that embed the engine. After a restart of a runtime with a directory
// f gets the alerts since the last checkpoint again, under the same ids.
func SinkFunc(f func(*cep.Alert)) Sink { return &funcSink{f: f} }

type funcSink struct {
	f    func(*cep.Alert)
	head atomic.Uint64
}

func (s *funcSink) Commit(_ uint64, alerts []*cep.Alert) error {
	for _, a := range alerts {
		a.Seq = s.head.Add(1)
		s.f(a)
	}
	return nil
}

func (s *funcSink) Sync() error                                  { return nil }
func (s *funcSink) Head() uint64                                 { return s.head.Load() }
func (s *funcSink) Replay(seq uint64) error                      { s.head.Store(seq); return nil }
func (s *funcSink) Replayed() (_, _ uint64)                      { return 0, 0 }
func (s *funcSink) Dead(DeadRecord) error                        { return nil }
func (s *funcSink) Late(LateRecord) error                        { return nil }
func (s *funcSink) PutDerived(uint32, uint64, []byte) error      { return nil }
func (s *funcSink) Derived(uint32, uint64) ([]byte, bool, error) { return nil, false, nil }
