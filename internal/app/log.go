package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// logging are the flags of a long-running command's log.
type logging struct {
	LogFormat string `enum:"text,json" default:"text" help:"How the log is written: text or json, one event a line."`
	LogLevel  string `enum:"debug,info,warn,error" default:"info" help:"Least level of what is logged: debug, info, warn or error. Values of events are logged at debug only."`
}

// logger makes the log that the flags ask for.
func (l logging) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.LogLevel)); err != nil {
		level = slog.LevelInfo // kong has checked the word
	}
	opt := &slog.HandlerOptions{Level: level}
	if l.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opt))
	}
	h := &textLog{sink: &textSink{w: w}}
	h.Handler = slog.NewTextHandler(&h.sink.line, opt)
	return slog.New(h)
}

// textLog is slog's text, except that a value of several lines stands below its
// event, as it is: what is wrong in a rule file has a caret to be seen.
type textLog struct {
	slog.Handler
	sink *textSink
}

type textSink struct {
	mu   sync.Mutex
	w    io.Writer
	line bytes.Buffer // that the inner handler has written
}

// Handle implements slog.Handler.
func (h *textLog) Handle(ctx context.Context, r slog.Record) error {
	plain := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	below := ""
	r.Attrs(func(a slog.Attr) bool {
		if text := fmt.Sprint(a.Value.Resolve()); strings.Contains(text, "\n") {
			below += "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ") + "\n"
		} else {
			plain.AddAttrs(a)
		}
		return true
	})
	s := h.sink
	s.mu.Lock()
	defer s.mu.Unlock()
	s.line.Reset()
	if err := h.Handler.Handle(ctx, plain); err != nil {
		return err
	}
	s.line.WriteString(below)
	_, err := s.w.Write(s.line.Bytes())
	return err
}

// WithAttrs implements slog.Handler.
func (h *textLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &textLog{Handler: h.Handler.WithAttrs(attrs), sink: h.sink}
}

// WithGroup implements slog.Handler.
func (h *textLog) WithGroup(name string) slog.Handler {
	return &textLog{Handler: h.Handler.WithGroup(name), sink: h.sink}
}
