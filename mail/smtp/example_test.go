package smtp_test

import (
	"fmt"

	"github.com/webapp2go/webapp2go/mail"
	"github.com/webapp2go/webapp2go/mail/smtp"
)

// The usual server: port 587, STARTTLS, a name and a password.
func Example() {
	sender, err := smtp.New(smtp.Config{
		Host: "smtp.example.com", User: "site", Password: "secret",
		From: "Example <no-reply@example.com>",
	})
	if err != nil {
		panic(err)
	}
	var _ mail.Sender = &mail.Limited{Sender: sender} // what a site uses
	_, err = smtp.New(smtp.Config{Host: "smtp.example.com:587", From: "no-reply@example.com"})
	fmt.Println(err)
	// Output: mail/smtp: Config.Host is "smtp.example.com:587": set it to the name of the mail server alone, such as smtp.example.com
}
