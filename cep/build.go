package cep

// Reset empties a batch and keeps its memory, for whoever owns the batch and
// fills it again.
func (b *Batch) Reset() {
	for i := range b.Tables {
		t := &b.Tables[i]
		for j := range t.Cols {
			t.Cols[j].Words = t.Cols[j].Words[:0]
			t.Cols[j].Present = t.Cols[j].Present[:0]
		}
		t.Rows = 0
	}
	b.Rows, b.Wide, b.Elems, b.Raw = b.Rows[:0], b.Wide[:0], b.Elems[:0], b.Raw[:0]
	b.Bytes = nil
}

// Rebase gives the rows their place in the input. A batch that was decoded on
// its own has positions from 0; first is the position of its first record.
func (b *Batch) Rebase(source, partition uint32, first uint64) {
	base := MakeRef(source, partition, 0)
	for i := range b.Rows {
		b.Rows[i].Ref = base | Ref(b.Rows[i].Ref.Position()+first)
	}
}
