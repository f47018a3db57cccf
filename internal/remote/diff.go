package remote

import "strings"

// maxDiff bounds the lines of either side that are compared line by line.
const maxDiff = 4000

// diff is what has to happen to the lines of a text to make them another's:
// lines begin with " " (stay), "-" (go) or "+" (come). Of what stays only three
// lines around a change are written. "" if both are the same.
func diff(from, to string) string {
	if from == to {
		return ""
	}
	a, b := lines(from), lines(to)
	if len(a) > maxDiff || len(b) > maxDiff {
		return "(too long to compare line by line)\n"
	}
	return nearby(walk(a, b, common(a, b)))
}

func lines(text string) []string {
	return strings.Split(strings.TrimRight(text, "\n"), "\n")
}

// common is the length of the longest common run of lines, in their order, of
// what is left of both from each place on.
func common(a, b []string) [][]int32 {
	n := make([][]int32, len(a)+1)
	for i := range n {
		n[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				n[i][j] = n[i+1][j+1] + 1
			} else {
				n[i][j] = max(n[i+1][j], n[i][j+1])
			}
		}
	}
	return n
}

func walk(a, b []string, n [][]int32) (out []string) {
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, " "+a[i])
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && n[i+1][j] >= n[i][j+1]:
			out = append(out, "-"+a[i])
			i++
		default:
			out = append(out, "+"+b[j])
			j++
		}
	}
	return out
}

// around is how many lines that stay are shown at a change.
const around = 3

// nearby leaves out what is far from a change.
func nearby(all []string) string {
	near := make([]bool, len(all))
	for i, line := range all {
		if line[0] == ' ' {
			continue
		}
		for k := max(0, i-around); k <= min(len(all)-1, i+around); k++ {
			near[k] = true
		}
	}
	var b strings.Builder
	cut := false
	for i, line := range all {
		if !near[i] {
			if !cut {
				b.WriteString("  …\n")
			}
			cut = true
			continue
		}
		cut = false
		b.WriteString(line + "\n")
	}
	return b.String()
}
