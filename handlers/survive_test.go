package handlers_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
)

// visitsHandler counts visits and shows the count.
type visitsHandler struct{ handlers.BaseHandler }

func (h *visitsHandler) Get() error {
	_, err := fmt.Fprint(h, h.Session().Incr("visits", 1))
	return err
}

func countVisits(s *server) { s.app.Handle("/visits", framework.To[visitsHandler](s.app)) }

// endingHandler changes the session and then ends as the query specifies.
type endingHandler struct{ handlers.BaseHandler }

func (h *endingHandler) Get() error {
	h.Session().Incr("visits", 1)
	switch h.Var("how") {
	case "return":
		return nil
	case "write":
		_, err := h.Write([]byte("done"))
		return err
	case "error":
		return errors.New("broken")
	case "abort":
		return h.Abort(http.StatusTeapot, "short and stout")
	case "redirect":
		return h.Redirect("/visits")
	case "redirect-abort":
		return h.RedirectAbort("/visits", http.StatusFound)
	case "panic":
		panic("broken")
	case "flush":
		if _, err := h.Write([]byte("one")); err != nil {
			return err
		}
		if err := http.NewResponseController(h.Response).Flush(); err != nil {
			return err
		}
		_, err := h.Write([]byte("two"))
		return err
	case "error-after-write":
		if _, err := h.Write([]byte("half a page")); err != nil {
			return err
		}
		return errors.New("broken")
	}
	return h.Abort(http.StatusNotFound)
}

func TestChangeSurvives(t *testing.T) {
	tests := []struct {
		how    string
		status int
	}{
		{"return", 200},
		{"write", 200},
		{"error", 500},
		{"error-after-write", 500},
		{"abort", 418},
		{"redirect", 302},
		{"redirect-abort", 302},
		{"panic", 500},
		{"flush", 200},
	}
	for name, backend := range backends {
		for _, test := range tests {
			t.Run(name+"/"+test.how, func(t *testing.T) {
				s := serve(t, backend(), func(s *server) {
					countVisits(s)
					s.app.Handle("/end/{how}", framework.To[endingHandler](s.app))
				})
				c := s.client(t)
				c.get("/end/"+test.how).shows(t, test.status)
				c.get("/end/"+test.how).shows(t, test.status)
				c.get("/visits").shows(t, 200, "3")
			})
		}
	}
}
