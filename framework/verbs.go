package framework

import (
	"errors"
	"net/http"
	"strings"
)

// The verbs are one-method interfaces, and a handler type serves those it satisfies:
// the type is the list. So Get and the others are never defined on a base.
type (
	getter    interface{ Get() error }
	poster    interface{ Post() error }
	putter    interface{ Put() error }
	patcher   interface{ Patch() error }
	deleter   interface{ Delete() error }
	header    interface{ Head() error }
	optionser interface{ Options() error }
	guarder   interface{ Guard() error }
	readier   interface{ Ready() error }
)

// verbs is what a handler type answers, found once, when its route is made.
type verbs struct {
	get, head, post, put, patch, delete, options func(Handler) error // nil: not served

	only    func(Handler) error // of ToMethod and of the answers where no route took the request: for every verb
	guarded bool                // the type has a Guard
	allow   string              // the Allow header
}

// action returns what answers a verb; nil: nothing does.
func (v *verbs) action(verb string) func(Handler) error {
	if v.only != nil {
		return v.only
	}
	switch verb {
	case http.MethodGet:
		return v.get
	case http.MethodHead:
		return v.head
	case http.MethodPost:
		return v.post
	case http.MethodPut:
		return v.put
	case http.MethodPatch:
		return v.patch
	case http.MethodDelete:
		return v.delete
	case http.MethodOptions:
		return v.options
	}
	return nil
}

// verbsOf lists what the type of h answers. HEAD falls back to GET (RFC 9110 section
// 9.3.2); OPTIONS is always allowed, see withoutAction.
func verbsOf(h Handler) *verbs {
	v := new(verbs)
	var allow []string
	add := func(served bool, verb string, field *func(Handler) error, action func(Handler) error) {
		if served {
			*field = action
			allow = append(allow, verb)
		}
	}
	_, get := h.(getter)
	_, head := h.(header)
	_, post := h.(poster)
	_, put := h.(putter)
	_, patch := h.(patcher)
	_, delete := h.(deleter)
	_, options := h.(optionser)
	add(get, "GET", &v.get, func(h Handler) error { return h.(getter).Get() })
	if head {
		add(true, "HEAD", &v.head, func(h Handler) error { return h.(header).Head() })
	} else {
		add(get, "HEAD", &v.head, v.get)
	}
	add(post, "POST", &v.post, func(h Handler) error { return h.(poster).Post() })
	add(put, "PUT", &v.put, func(h Handler) error { return h.(putter).Put() })
	add(patch, "PATCH", &v.patch, func(h Handler) error { return h.(patcher).Patch() })
	add(delete, "DELETE", &v.delete, func(h Handler) error { return h.(deleter).Delete() })
	add(options, "OPTIONS", &v.options, func(h Handler) error { return h.(optionser).Options() })
	if !options {
		allow = append(allow, "OPTIONS")
	}
	v.allow = strings.Join(allow, ", ")
	_, v.guarded = h.(guarder)
	return v
}

// set makes verbs of the methods of ToMethods, of which there are count.
func (v *verbs) set(method func(verb string) func(Handler) error, count int) error {
	*v = verbs{guarded: v.guarded}
	var allow []string
	for _, of := range []struct {
		verb  string
		field *func(Handler) error
	}{
		{"GET", &v.get}, {"HEAD", &v.head}, {"POST", &v.post}, {"PUT", &v.put},
		{"PATCH", &v.patch}, {"DELETE", &v.delete}, {"OPTIONS", &v.options},
	} {
		if *of.field = method(of.verb); *of.field != nil {
			count--
		} else if of.verb == "HEAD" {
			v.head = v.get
		}
		if *of.field != nil || of.verb == "OPTIONS" {
			allow = append(allow, of.verb)
		}
	}
	v.allow = strings.Join(allow, ", ")
	if count != 0 || len(allow) == 1 && v.options == nil {
		return errors.New("framework: ToMethods takes a method for GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS, at least one of them, in capitals and not nil")
	}
	return nil
}

// knownVerb tells whether HTTP knows a verb (RFC 9110 section 9.3, RFC 5789).
func knownVerb(verb string) bool {
	switch verb {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return true
	}
	return false
}
