package main

import (
	"io"
	"net/http"
)

// The floor is what a careful programmer writes with the standard library alone:
// ServeMux, a struct, a cookie signed by hand. It has no recovery of its own, holds
// no answer back, checks no origin and knows no timeouts: those who are slower than
// it may be doing more.

func floorHello(w http.ResponseWriter, _ *http.Request) { writeText(w, helloBody) }

// writeText answers a plain text.
func writeText(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", plainText)
	io.WriteString(w, body)
}

func floorPlain() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", floorHello)
	return mux
}

func floorSite() http.Handler { return floorSiteWith(floorCookie{}) }

// A floorStore is where the floor keeps its visitors: in the cookie or in memcached.
type floorStore interface {
	create(w http.ResponseWriter, v *visitor) error
	read(r *http.Request) (*visitor, error)
	// change lets f change the visitor and keeps the result.
	change(w http.ResponseWriter, r *http.Request, f func(*visitor)) (*visitor, error)
}

func floorSiteWith(store floorStore) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", floorHello)
	mux.HandleFunc("GET /start", func(w http.ResponseWriter, r *http.Request) {
		v := firstVisitor
		if err := store.create(w, &v); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		writeText(w, helloBody)
	})
	mux.HandleFunc("GET /read", func(w http.ResponseWriter, r *http.Request) {
		v, err := store.read(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		writeText(w, greeting(v.Name, v.Visits))
	})
	mux.HandleFunc("GET /readall", func(w http.ResponseWriter, r *http.Request) {
		v, err := store.read(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		writeText(w, everything(*v))
	})
	mux.HandleFunc("GET /write", func(w http.ResponseWriter, r *http.Request) {
		v, err := store.change(w, r, func(v *visitor) { v.Visits++ })
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		writeText(w, counted(v.Visits))
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		user := r.PostFormValue("user")
		v, err := store.read(r)
		if err != nil {
			v = new(visitor)
		}
		v.User = user
		if err := store.create(w, v); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		writeText(w, welcome(user))
	})
	return mux
}

func floorTable(routes []route) http.Handler {
	mux := http.NewServeMux()
	for _, r := range routes {
		if r.hasID() {
			mux.HandleFunc("GET "+r.pattern, func(w http.ResponseWriter, r *http.Request) { writeText(w, r.PathValue("id")) })
		} else {
			mux.HandleFunc("GET "+r.pattern, func(w http.ResponseWriter, r *http.Request) { writeText(w, fixedBody) })
		}
	}
	return mux
}
