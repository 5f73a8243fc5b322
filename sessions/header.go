package sessions

import (
	"net/http"
	"strings"
)

// forbidSharing keeps an answer that a session went into out of shared caches, and
// one that carries a cookie out of all, unless the handler has decided for itself.
func forbidSharing(header http.Header, cookie bool) {
	if vary := header["Vary"]; len(vary) == 0 {
		header["Vary"] = byCookie
	} else if !variesByCookie(vary) {
		header["Vary"] = append(vary, "Cookie")
	}
	if len(header["Cache-Control"]) == 0 {
		header["Cache-Control"] = private
		if cookie {
			header["Cache-Control"] = noStore
		}
	}
}

// The lines are shared by all answers, which costs no allocation: their capacity is
// their length, so that Header.Add copies, and Header.Set replaces.
var (
	byCookie = []string{"Cookie"}
	private  = []string{"private, no-cache"}
	noStore  = []string{"no-store"}
)

func variesByCookie(vary []string) bool {
	for _, line := range vary {
		for field := range strings.SplitSeq(line, ",") {
			if field = trim(field); field == "*" || strings.EqualFold(field, "Cookie") {
				return true
			}
		}
	}
	return false
}
