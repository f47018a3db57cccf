package alerts_test

import (
	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/engine"
)

var _ engine.Sink = (*alerts.Log)(nil)
