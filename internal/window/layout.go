package window

// LayoutVersion names the layout of states, given their specs; it changes with
// it.
const LayoutVersion = 1
