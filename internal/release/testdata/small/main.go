// Command small is a small program with modules in it, for the bill of materials.
package main

import (
	"fmt"

	"github.com/klauspost/compress/zstd"
	"go.yaml.in/yaml/v3"
)

func main() {
	var v any
	err := yaml.Unmarshal([]byte("a: 1"), &v)
	fmt.Println(zstd.SpeedDefault, v, err)
}
