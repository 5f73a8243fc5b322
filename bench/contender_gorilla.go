package main

import (
	"net/http"

	"github.com/gorilla/mux"
	"github.com/gorilla/sessions"
)

// gorilla/mux with the CookieStore of gorilla/sessions. Nothing has to be installed
// for sessions: a handler asks the store for one.

func gorillaPlain() http.Handler {
	router := mux.NewRouter()
	router.HandleFunc("/hello", floorHello).Methods("GET")
	return router
}

func gorillaSite() http.Handler {
	store := sessions.NewCookieStore(signingKey)
	router := mux.NewRouter()
	router.HandleFunc("/hello", floorHello).Methods("GET")
	router.HandleFunc("/start", func(w http.ResponseWriter, r *http.Request) {
		session, _ := store.Get(r, "session")
		fillValues(session.Values)
		saveGorilla(w, r, session, helloBody)
	}).Methods("GET")
	router.HandleFunc("/read", func(w http.ResponseWriter, r *http.Request) {
		session, err := store.Get(r, "session")
		if err != nil || session.IsNew {
			http.Error(w, errNoSession.Error(), http.StatusForbidden)
			return
		}
		name, _ := session.Values["name"].(string)
		visits, _ := session.Values["visits"].(int)
		writeText(w, greeting(name, visits))
	}).Methods("GET")
	router.HandleFunc("/readall", func(w http.ResponseWriter, r *http.Request) {
		session, err := store.Get(r, "session")
		if err != nil || session.IsNew {
			http.Error(w, errNoSession.Error(), http.StatusForbidden)
			return
		}
		writeText(w, everything(valuesVisitor(session.Values)))
	}).Methods("GET")
	router.HandleFunc("/write", func(w http.ResponseWriter, r *http.Request) {
		session, err := store.Get(r, "session")
		if err != nil || session.IsNew {
			http.Error(w, errNoSession.Error(), http.StatusForbidden)
			return
		}
		visits, _ := session.Values["visits"].(int)
		visits++
		session.Values["visits"] = visits
		saveGorilla(w, r, session, counted(visits))
	}).Methods("GET")
	router.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		user := r.PostFormValue("user")
		session, _ := store.Get(r, "session")
		session.Values["user"] = user
		saveGorilla(w, r, session, welcome(user))
	}).Methods("POST")
	return router
}

// saveGorilla saves the session and answers body.
func saveGorilla(w http.ResponseWriter, r *http.Request, session *sessions.Session, body string) {
	if err := session.Save(r, w); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeText(w, body)
}

// fillValues puts firstVisitor into the values of gorilla/sessions.
func fillValues(values map[any]any) {
	v := firstVisitor
	values["user"], values["name"], values["visits"], values["return"], values["csrf"] = v.User, v.Name, v.Visits, v.Return, v.CSRF
}

// valuesVisitor reads all five values.
func valuesVisitor(values map[any]any) (v visitor) {
	v.User, _ = values["user"].(string)
	v.Name, _ = values["name"].(string)
	v.Visits, _ = values["visits"].(int)
	v.Return, _ = values["return"].(string)
	v.CSRF, _ = values["csrf"].(string)
	return v
}

func gorillaTable(routes []route) http.Handler {
	router := mux.NewRouter()
	for _, r := range routes {
		if r.hasID() {
			router.HandleFunc(r.pattern, func(w http.ResponseWriter, r *http.Request) { writeText(w, mux.Vars(r)["id"]) }).Methods("GET")
		} else {
			router.HandleFunc(r.pattern, func(w http.ResponseWriter, r *http.Request) { writeText(w, fixedBody) }).Methods("GET")
		}
	}
	return router
}
