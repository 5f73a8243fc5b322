package mail_test

import (
	"context"
	"fmt"
	"log"
	"testing/fstest"

	"github.com/webapp2go/webapp2go/mail"
)

// A message is made from templates and sent. Here it stays in an outbox.
func Example() {
	templates, err := mail.ParseTemplates(fstest.MapFS{ // in a program: fs.Sub(files, "mails")
		"reset.txt":  {Data: []byte("Subject: Another password\n\nOpen this link to choose one:\n{{.}}\n")},
		"reset.html": {Data: []byte(`<p><a href="{{.}}">Choose another password</a>`)},
	})
	if err != nil {
		log.Fatal(err)
	}
	message, err := templates.Message("reset", "ann@example.com", "https://example.com/reset?t=...")
	if err != nil {
		log.Fatal(err)
	}
	var outbox mail.Outbox
	if err := outbox.Send(context.Background(), message); err != nil {
		log.Fatal(err)
	}
	sent := outbox.Messages()[0]
	fmt.Println(sent.To, sent.Subject)
	fmt.Print(sent.Text)
	fmt.Println(sent.HTML)
	// Output:
	// ann@example.com Another password
	// Open this link to choose one:
	// https://example.com/reset?t=...
	// <p><a href="https://example.com/reset?t=...">Choose another password</a>
}

// A recipient gets three mails an hour. After the fourth the page shows the same.
func ExampleLimited() {
	var outbox mail.Outbox
	limited := &mail.Limited{Sender: &outbox}
	for range 4 {
		err := limited.Send(context.Background(), mail.Message{To: "ann@example.com", Subject: "Hello", Text: "Hello, Ann."})
		fmt.Println(err)
	}
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// mail: this recipient was sent too many mails in the last hour
}

// A sender of a program's own, such as the API of a mail service.
func ExampleSenderFunc() {
	var sender mail.Sender = mail.SenderFunc(func(_ context.Context, m mail.Message) error {
		if err := m.Validate(); err != nil {
			return err
		}
		fmt.Println("to", m.To)
		return nil
	})
	fmt.Println(sender.Send(context.Background(), mail.Message{To: "ann@example.com", Subject: "Hello", Text: "Hello, Ann."}))
	fmt.Println(sender.Send(context.Background(), mail.Message{To: "ann@example.com\r\nBcc: eve@example.com", Subject: "Hello", Text: "Hello, Ann."}))
	// Output:
	// to ann@example.com
	// <nil>
	// mail: the message cannot be sent: To is not one bare address
}
