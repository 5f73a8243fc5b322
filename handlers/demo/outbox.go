package demo

import (
	"regexp"
	"strings"
	"time"

	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/mail"
)

// OutboxHandler shows the mails that the demo would have sent. The page exists only if the
// site's Mail is a mail.Outbox, which is for development: everyone can read these mails.
type OutboxHandler struct {
	handlers.BaseHandler
	outbox *mail.Outbox
}

// A letter is a mail on the page. Link is the first link in it, without the site's own
// address, so that it leads to the host that the visitor has used: localhost and 127.0.0.1
// have cookies of their own.
type letter struct {
	To, Subject, Text, Link string
	At                      time.Time
}

var link = regexp.MustCompile(`https?://\S+`)

// Get shows the mails, the newest first.
func (h *OutboxHandler) Get() error {
	h.Response.Header().Set("Cache-Control", "no-store")
	h.Response.Header().Set("Referrer-Policy", "no-referrer")
	var letters []letter
	for _, sent := range h.outbox.Messages() {
		l := letter{To: sent.To, Subject: sent.Subject, Text: sent.Text, At: sent.At}
		l.Link = strings.TrimPrefix(link.FindString(sent.Text), h.App.BaseURL)
		letters = append(letters, l)
	}
	return h.Render("outbox", letters)
}
