package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/webapp2go/webapp2go/handlers"
)

// Live sends each new note to the page as a server-sent event.
type Live struct {
	handlers.BaseHandler
	Notes *Notes
}

func (h *Live) Get() error {
	notes, leave := h.Notes.Follow()
	defer leave()
	header := h.Response.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx passes each event on at once
	if h.Request.Method == http.MethodHead {
		return nil // a HEAD has no stream to wait for
	}
	stop := h.StreamContext() // ends with the client, and when the server stops
	pings := time.NewTicker(30 * time.Second)
	defer pings.Stop()
	fmt.Fprint(h, ": connected\n\n") // a comment, so that the header is sent at once
	for {
		if err := h.Response.FlushError(); err != nil {
			return err
		}
		select {
		case <-stop.Done():
			return nil
		case <-pings.C: // a proxy closes a connection that says nothing
			fmt.Fprint(h, ": ping\n\n")
		case note := <-notes:
			text, err := json.Marshal(note)
			if err != nil {
				return err
			}
			fmt.Fprintf(h, "data: %s\n\n", text)
		}
	}
}

// Chat is a WebSocket: what a client writes becomes a note, and each new note is sent to
// all clients.
type Chat struct {
	handlers.PrivateHandler
	Notes *Notes
}

func (h *Chat) Get() error {
	user, err := h.User()
	if err != nil {
		return err
	}
	notes, leave := h.Notes.Follow()
	defer leave()
	stop := h.StreamContext()
	connection, err := websocket.Accept(h.Response, h.Request, nil) // refuses other origins
	if err != nil {
		return nil // Accept has answered
	}
	defer connection.CloseNow()
	connection.SetReadLimit(4 << 10)

	ended := make(chan error, 1)
	go func() {
		for {
			var in struct{ Text string }
			if err := wsjson.Read(stop, connection, &in); err != nil {
				ended <- err
				return
			}
			if in.Text != "" && len(in.Text) <= maxText {
				h.Notes.Add(user.Name, in.Text, Photo{})
			}
		}
	}()
	for {
		select {
		case <-stop.Done():
			return connection.Close(websocket.StatusGoingAway, "the server stops")
		case <-ended:
			return nil
		case note := <-notes:
			if err := wsjson.Write(stop, connection, note); err != nil {
				return nil
			}
		}
	}
}
