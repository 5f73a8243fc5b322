package main

import (
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/webapp2go/webapp2go/framework"
)

// Reader is the origin of another site, whose scripts may use the API.
const Reader = "https://reader.example"

// API is the base of handlers for programs. Its errors are JSON.
type API struct {
	framework.RequestHandler
	Notes *Notes
	Key   string // that programs send to write; if empty, none can
}

// IsAPI makes errors JSON for clients that ask for nothing in particular.
func (h *API) IsAPI() bool { return true }

// Dispatch tells browsers that scripts of Reader may read the response (CORS).
func (h *API) Dispatch() error {
	header := h.Response.Header()
	header.Add("Vary", "Origin")
	if h.Request.Header.Get("Origin") == Reader {
		header.Set("Access-Control-Allow-Origin", Reader)
	}
	return h.RequestHandler.Dispatch()
}

// Guard asks for the key before a note is written: "Authorization: Bearer KEY".
func (h *API) Guard() error {
	if method := h.Request.Method; method == http.MethodGet || method == http.MethodHead || h.Preflight() {
		return nil
	}
	sent, _ := strings.CutPrefix(h.Request.Header.Get("Authorization"), "Bearer ")
	if h.Key == "" || subtle.ConstantTimeCompare([]byte(sent), []byte(h.Key)) == 0 {
		h.Response.Header().Set("WWW-Authenticate", "Bearer")
		return h.Abort(http.StatusUnauthorized, "send the key as Authorization: Bearer KEY")
	}
	return nil
}

// Options answers a browser that asks first whether a script may send its request.
func (h *API) Options() error {
	header := h.Response.Header()
	header.Set("Access-Control-Allow-Methods", "GET, POST")
	header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	header.Set("Access-Control-Max-Age", "3600")
	h.Response.WriteHeader(http.StatusNoContent)
	return nil
}

// NotesAPI reads and writes notes as JSON.
type NotesAPI struct{ API }

// Get responds with all notes.
func (h *NotesAPI) Get() error { return h.JSON(h.Notes.List()) }

// Post adds a note and responds with it.
func (h *NotesAPI) Post() error {
	h.LimitBody(8 << 10)
	var in struct {
		Author string `json:"author"`
		Text   string `json:"text"`
	}
	if err := h.DecodeJSON(&in); err != nil {
		return err
	}
	if in.Author == "" || in.Text == "" || len(in.Author) > 100 || len(in.Text) > maxText {
		return h.Abort(http.StatusUnprocessableEntity, "author and text must have 1 to 100 and 1 to 500 bytes")
	}
	h.Response.WriteHeader(http.StatusCreated)
	return h.JSON(h.Notes.Add(in.Author, in.Text, Photo{}))
}
