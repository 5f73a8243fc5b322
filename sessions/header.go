package sessions

import (
	"net/http"
	"strings"
)

// forbidSharing keeps an answer that a session went into out of shared caches, and
// one that carries a cookie out of all, unless the handler has decided for itself. The
// lines are the room for two.
func forbidSharing(header http.Header, cookie bool, lines []string) {
	if vary := header["Vary"]; len(vary) == 0 {
		lines[0] = "Cookie"
		header["Vary"] = lines[0:1:1]
	} else if !variesByCookie(vary) {
		header["Vary"] = append(vary, "Cookie")
	}
	if len(header["Cache-Control"]) == 0 {
		lines[1] = "private, no-cache"
		if cookie {
			lines[1] = "no-store"
		}
		header["Cache-Control"] = lines[1:2:2]
	}
}

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
