// Package mail sends mails to the users of a site: one recipient, a subject, text and HTML.
//
// A program that sends a mail by SMTP, with package mail/smtp. In development the mails
// can go to an [Outbox] instead, which a page shows:
//
//	package main
//
//	import (
//		"context"
//		"log"
//		"testing/fstest"
//
//		"github.com/webapp2go/webapp2go/mail"
//		"github.com/webapp2go/webapp2go/mail/smtp"
//	)
//
//	func main() {
//		sender, err := smtp.New(smtp.Config{
//			Host: "smtp.example.com", User: "site", Password: "secret",
//			From: "Example <no-reply@example.com>",
//		})
//		if err != nil {
//			log.Fatal(err)
//		}
//		templates, err := mail.ParseTemplates(fstest.MapFS{
//			"welcome.txt": {Data: []byte("Subject: Welcome to {{.Site}}\n\nHello {{.Name}}!\n")},
//		})
//		if err != nil {
//			log.Fatal(err)
//		}
//		message, err := templates.Message("welcome", "ann@example.com", map[string]string{"Site": "Example", "Name": "Ann"})
//		if err != nil {
//			log.Fatal(err)
//		}
//		limited := &mail.Limited{Sender: sender} // 3 mails an hour for each recipient
//		if err := limited.Send(context.Background(), message); err != nil {
//			log.Fatal(err)
//		}
//	}
//
// A [Message] has no headers and one recipient, so that neither can be injected. A form
// that takes an address should send one mail in every case, whether there is an account
// or not: otherwise the time, or an error of the mail server, tells who has an account.
package mail

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Message is a mail to one recipient.
type Message struct {
	To      string // a bare address, such as ann@example.com
	Subject string // one line
	Text    string // plain text, which every mail program can show
	HTML    string // the same as HTML; if empty, the mail has text only
}

// A Sender sends mails. It must be safe for concurrent use. Send returns nil once the
// mail server has accepted the mail. An error that wraps [ErrRefused] says that this
// recipient cannot get it. Any other error is temporary: respond with status 503, and
// keep what was typed into the form. The text of an error does not contain the address.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// A SenderFunc is a function that is a [Sender].
type SenderFunc func(ctx context.Context, m Message) error

// Send calls f.
func (f SenderFunc) Send(ctx context.Context, m Message) error { return f(ctx, m) }

var (
	// ErrRefused is wrapped by the error of a [Sender] if the mail server refuses the
	// recipient for good. Do not show it, because it tells whether an address exists.
	ErrRefused = errors.New("mail: the recipient was refused")
	// ErrMessage is wrapped by the error for a [Message] that is not valid.
	ErrMessage = errors.New("mail: the message cannot be sent")
)

// The bounds of a Message in bytes.
const (
	maxAddress = 254 // RFC 5321
	maxSubject = 250
	maxBody    = 256 << 10 // of Text, and of HTML
)

// Validate returns an error that wraps [ErrMessage] unless To is one bare address in ASCII,
// of at most 254 bytes, Subject is one line of 1 to 250 bytes without control characters,
// and Text, which must not be empty, and HTML are UTF-8 of at most 256 KiB each. Every
// Sender of this module calls it.
func (m Message) Validate() error {
	switch {
	case !isAddress(m.To):
		return fmt.Errorf("%w: To is not one bare address", ErrMessage)
	case strings.TrimSpace(m.Subject) == "" || len(m.Subject) > maxSubject || !utf8.ValidString(m.Subject) || strings.ContainsFunc(m.Subject, isControl):
		return fmt.Errorf("%w: Subject is not one line of 1 to %d bytes", ErrMessage, maxSubject)
	case m.Text == "" || !isBody(m.Text) || !isBody(m.HTML):
		return fmt.Errorf("%w: Text is empty, or Text or HTML is not UTF-8 of at most %d bytes", ErrMessage, maxBody)
	}
	return nil
}

func isAddress(text string) bool {
	if len(text) > maxAddress {
		return false
	}
	for _, c := range []byte(text) {
		if c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	address, err := mail.ParseAddress(text)
	return err == nil && address.Name == "" && address.Address == text
}

// isControl reports whether r is a control character or one that ends a line.
func isControl(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

func isBody(text string) bool {
	return len(text) <= maxBody && utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}
