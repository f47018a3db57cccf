package expr

import "github.com/weir-cep/weir/dsl"

// OfRule calls visit for every whole expression of a rule: conditions,
// aggregates, keys of feature reads, alert blocks. Nil ones are left out.
func OfRule(r *dsl.RuleIR, visit func(*dsl.Expr)) {
	add := func(es ...*dsl.Expr) {
		for _, e := range es {
			if e != nil {
				visit(e)
			}
		}
	}
	for _, f := range r.From {
		add(f.Where)
	}
	for _, read := range r.Reads {
		add(read.Keys...)
	}
	for _, a := range r.Aggs {
		add(a.Arg, a.Cond)
	}
	if w := r.When; w != nil {
		add(w.Where, w.Cond)
	}
	if p := r.Pattern; p != nil {
		ofSteps(p.Steps, add)
		add(p.Where)
	}
	for _, c := range r.Cancel {
		add(c.Where)
	}
	if r.Suppress != nil {
		add(r.Suppress.Unless)
	}
	for _, a := range []*dsl.AlertIR{r.Alert, r.Timeout} {
		if a != nil {
			ofAlert(a, add)
		}
	}
}

func ofSteps(steps []*dsl.StepIR, add func(...*dsl.Expr)) {
	for _, s := range steps {
		add(s.Where, s.Until)
		if s.No != nil {
			add(s.No.Where)
		}
		for _, sub := range s.Sub {
			ofSteps(sub, add)
		}
	}
}

func ofAlert(a *dsl.AlertIR, add func(...*dsl.Expr)) {
	add(a.Severity, a.Score)
	ofTemplate(a.Message, add)
	for _, l := range a.Labels {
		ofTemplate(l.Text, add)
	}
	for _, f := range a.Fields {
		add(f.Expr)
	}
}

func ofTemplate(t dsl.Template, add func(...*dsl.Expr)) {
	for _, p := range t {
		add(p.Expr)
	}
}
