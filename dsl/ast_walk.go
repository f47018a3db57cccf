package dsl

// eachNode visits a node and every node below it, parents first.
func eachNode(n Node, visit func(Node)) {
	if n == nil {
		return
	}
	visit(n)
	all := func(list []Node) {
		for _, x := range list {
			eachNode(x, visit)
		}
	}
	switch n := n.(type) {
	case *Select:
		eachNode(n.X, visit)
	case *IndexNode:
		eachNode(n.X, visit)
		all(n.Keys)
	case *CallNode:
		all(n.Args)
	case *ListNode:
		all(n.Items)
	case *UnaryNode:
		eachNode(n.X, visit)
	case *BinaryNode:
		eachNode(n.L, visit)
		eachNode(n.R, visit)
	case *TestNode:
		eachNode(n.L, visit)
		eachNode(n.R, visit)
	case *BetweenNode:
		eachNode(n.X, visit)
		eachNode(n.Lo, visit)
		eachNode(n.Hi, visit)
	case *MissingNode:
		eachNode(n.X, visit)
	case *AggNode:
		eachNode(n.X, visit)
	case *ParenNode:
		eachNode(n.X, visit)
	case *RowNode:
		for i := range n.Config.Items {
			eachNode(n.Config.Items[i].Value, visit)
		}
	}
}
