package dsl

func (u *unit) checkTests()                          {}
func (c *checker) decisions(p *Program, g *gatherer) {}
func (c *checker) tests(p *Program, g *gatherer)     {}
