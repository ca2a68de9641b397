package bench

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseLevels reads numbers of sessions, ascending, from a list with commas.
func ParseLevels(text string) (levels []int, err error) {
	for _, field := range strings.Split(text, ",") {
		if field == "" {
			continue
		}
		n, err := strconv.Atoi(field)
		if err != nil || n < 1 || len(levels) > 0 && n <= levels[len(levels)-1] {
			return nil, fmt.Errorf("%q; want ascending numbers", text)
		}
		levels = append(levels, n)
	}
	return levels, nil
}
