package framework

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Check returns the mistakes that can be found before the first request, all of them
// joined, nil if there are none. [Serve] calls it; if middleware stands around the App,
// or another server serves it, call it in main: else the first request has it done, and
// the log tells the mistakes.
//
// It makes a handler of every type that has a route, runs App.Init on it with a GET
// of "/" and a Response that goes nowhere, and asks its Ready() error where it has
// one. And it reports the mistakes of the routing table, see [Router]: templates that are
// wrong, names of routes and of a route's variables given twice, a route without a
// handler, with one of another App or that is never reached, a route of [ToMethod] that
// names no methods and, if App.RequireGuards is set, a route that has no guard.
func (a *App) Check() error {
	a.checked.Store(true)
	if a.Router == nil {
		return errors.New("framework: an App without a Router: make it with framework.New")
	}
	if a.Router.app != a {
		return errors.New("framework: App.Router is another App's: leave the one that framework.New has made")
	}
	mistakes := a.checkTable()
	a.mutex.Lock()
	endpoints := slices.Clone(a.endpoints)
	a.mutex.Unlock()
	var found []error
	for _, e := range endpoints {
		found = append(found, a.checkEndpoint(e))
	}
	mistakes = append(mistakes, joinUnready(append(found, a.checkFallback()))...)
	for status := range a.Errors {
		if status < 300 || status > 599 {
			mistakes = append(mistakes, fmt.Errorf("framework: App.Errors[%d] is never called: an error's status is 300 to 599", status))
		}
	}
	if _, err := a.base(); err != nil {
		mistakes = append(mistakes, err)
	}
	mistakes = append(mistakes, a.checkPrefix(), a.TrustedProxy.check())
	return errors.Join(mistakes...)
}

// checkEndpoint makes two handlers as for two requests, and asks one whether it is ready.
func (a *App) checkEndpoint(e *endpoint) error {
	var first Handler
	err := protect(func() error {
		first = e.newHandler()
		second := e.newHandler()
		if err := errors.Join(checkNil(first, "the constructor given to From"), checkNil(second, "the constructor given to From")); err != nil {
			return err
		}
		if first.requestHandler() == second.requestHandler() {
			return fmt.Errorf("framework: the constructor given to From returned the same %T twice: it must make a new one for each request", first)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return a.probe(first)
}

// checkFallback makes one handler as for a request, and asks it whether it is ready.
func (a *App) checkFallback() error {
	if a.Fallback == nil {
		return nil
	}
	var h Handler
	err := protect(func() error {
		h = a.Fallback()
		if err := checkNil(h, "App.Fallback"); err != nil {
			return err
		}
		return errors.Join(checkHandler(h), checkNames(h, true))
	})
	if err != nil {
		return err
	}
	return a.probe(h)
}

// probe gives a handler all that it gets for a request, and asks whether it is ready.
func (a *App) probe(h Handler) error {
	r, _ := http.NewRequest(http.MethodGet, "/", http.NoBody) // of constants: it cannot fail
	err := protect(func() error {
		Init(nowhere{}, r, a, h)
		if h, ok := h.(readier); ok {
			return h.Ready()
		}
		return nil
	})
	if err != nil {
		return &unready{fmt.Sprintf("%T", h), err}
	}
	return nil
}

// An unready says that handlers of a type cannot serve.
type unready struct {
	types string
	err   error
}

func (u *unready) Error() string { return "framework: " + u.types + ": " + u.err.Error() }
func (u *unready) Unwrap() error { return u.err }

// joinUnready makes one mistake of all that say the same, so that what the App lacks is
// told once and not for every type.
func joinUnready(found []error) (joined []error) {
	types := map[string][]string{}
	for _, err := range found {
		u, ok := err.(*unready)
		if !ok {
			joined = append(joined, err)
			continue
		}
		message := u.err.Error()
		if types[message] == nil {
			joined = append(joined, u)
		}
		if !slices.Contains(types[message], u.types) {
			types[message] = append(types[message], u.types)
		}
	}
	for _, err := range joined {
		if u, ok := err.(*unready); ok {
			if all := types[u.err.Error()]; len(all) > 3 {
				u.types = fmt.Sprintf("%s, %s and %d types more", all[0], all[1], len(all)-2)
			} else {
				u.types = strings.Join(all, ", ")
			}
		}
	}
	return joined
}

// nowhere is the writer behind the Response of a probe.
type nowhere http.Header

func (n nowhere) Header() http.Header         { return http.Header(n) }
func (n nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (n nowhere) WriteHeader(int)             {}
