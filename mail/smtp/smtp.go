// Package smtp sends the mails of package mail through an SMTP server (RFC 5321), with TLS:
//
//	sender, err := smtp.New(smtp.Config{
//		Host: "smtp.example.com", User: "site", Password: "secret",
//		From: "Example <no-reply@example.com>",
//	})
//	...
//	err = sender.Send(ctx, mail.Message{To: "ann@example.com", Subject: "Hello", Text: "Hello, Ann."})
//
// The package example sends a mail.
package smtp

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	gosmtp "github.com/wneessen/go-mail/smtp"

	"github.com/webapp2go/webapp2go/mail"
)

// Config says through which server mails are sent, and from whom.
type Config struct {
	// Host is the name of the server. It must be set, and the server's certificate must
	// be for this name.
	Host string
	// Port is its port. If 0, it is 587, or 465 with ImplicitTLS.
	Port int
	// ImplicitTLS begins the connection with TLS. If false, STARTTLS is used (RFC 3207), and
	// a server that does not offer it gets no mail.
	ImplicitTLS bool
	// User and Password log in at the server. If User is empty, there is no login.
	User     string
	Password string
	// From is the sender, an address or a name and an address, as in
	// "Example <no-reply@example.com>". It must be set.
	From string
	// Timeout bounds a whole Send. If 0, it is 10 seconds. A context can end it sooner.
	Timeout time.Duration
	// TLS is the configuration of TLS, such as other RootCAs. If nil, the certificates of
	// the system are trusted.
	TLS *tls.Config
	// PlainText sends without TLS, to a server on this machine only.
	PlainText bool
}

// Format prints the configuration without the password.
func (c Config) Format(s fmt.State, verb rune) {
	type plain Config // without this method
	if c.Password != "" {
		c.Password = "(secret)"
	}
	c.TLS = nil
	fmt.Fprintf(s, fmt.FormatString(s, verb), plain(c))
}

// A Sender is a [mail.Sender] that opens a connection for each mail. It is safe for
// concurrent use. Make one with [New].
type Sender struct {
	config  Config
	address string // of From, alone
	domain  string // of that
}

var _ mail.Sender = (*Sender)(nil)

// New returns a Sender, or an error that lists what is wrong with the configuration. It
// does not connect to the server.
func New(c Config) (*Sender, error) {
	var errs []error
	wrong := func(format string, a ...any) { errs = append(errs, fmt.Errorf("mail/smtp: Config."+format, a...)) }
	if c.Host == "" || strings.ContainsAny(c.Host, " :/\r\n") {
		wrong("Host is %q: set it to the name of the mail server alone, such as smtp.example.com", c.Host)
	}
	if c.Port == 0 {
		c.Port = 587
		if c.ImplicitTLS {
			c.Port = 465
		}
	}
	if c.Port < 1 || c.Port > 65535 {
		wrong("Port is %d: it must be 1 to 65535; 0 means 587 or 465", c.Port)
	}
	if c.Timeout < 0 {
		wrong("Timeout is %v: it must be positive; 0 means 10s", c.Timeout)
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if (c.User == "") != (c.Password == "") {
		wrong("User and Password belong together: one of them is empty")
	}
	if c.PlainText && (c.ImplicitTLS || c.TLS != nil) {
		wrong("PlainText and TLS exclude each other: set one of them")
	}
	if c.PlainText && !isLoopback(c.Host) {
		wrong("PlainText is for a server on this machine, and Host is %q: set PlainText to false", c.Host)
	}
	s := &Sender{config: c}
	if from, err := netmail.ParseAddress(c.From); err != nil || strings.ContainsAny(c.From, "\r\n") {
		wrong("From is %q: set it to an address such as no-reply@example.com, or \"Example <no-reply@example.com>\"", c.From)
	} else {
		s.address = from.Address
		_, s.domain, _ = strings.Cut(from.Address, "@")
	}
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	return s, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Send implements [mail.Sender]. It returns when the server has accepted the mail.
func (s *Sender) Send(ctx context.Context, m mail.Message) error {
	if err := m.Validate(); err != nil {
		return err
	}
	message, err := s.message(m)
	if err != nil {
		return fmt.Errorf("mail/smtp: %w: %s", mail.ErrMessage, without(err, m.To))
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	// The library does not look at the context once it is connected, and leaves some
	// connections open after a failure. The end of ctx closes the connection.
	dial := func(ctx2 context.Context, network, address string) (net.Conn, error) {
		connection, err := s.dial(ctx2, network, address)
		if err == nil {
			context.AfterFunc(ctx, func() { connection.Close() })
		}
		return connection, err
	}
	client, err := gomail.NewClient(s.config.Host, s.options(dial)...)
	if err != nil {
		return fmt.Errorf("mail/smtp: %w", err)
	}
	err = client.DialAndSendWithContext(ctx, message)
	if err == nil || message.IsDelivered() { // then only the end of the connection failed
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("mail/smtp: sending: %w: %s", ctx.Err(), without(err, m.To))
	}
	if refused(err) {
		return fmt.Errorf("mail/smtp: %w: %s", mail.ErrRefused, without(err, m.To))
	}
	return fmt.Errorf("mail/smtp: sending: %s", without(err, m.To))
}

// message converts a message, and adds the headers of a mail that a program sends.
func (s *Sender) message(m mail.Message) (*gomail.Msg, error) {
	message := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := message.From(s.config.From); err != nil {
		return nil, err
	}
	if err := message.To(m.To); err != nil {
		return nil, err
	}
	message.Subject(m.Subject)
	message.SetDate()
	message.SetMessageIDWithValue(rand.Text() + "@" + s.domain) // that of the library has the name of this machine
	message.SetGenHeader("Auto-Submitted", "auto-generated")    // so that absence notices do not reply (RFC 3834)
	message.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		message.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	return message, nil
}

func (s *Sender) options(dial gomail.DialContextFunc) []gomail.Option {
	c := s.config
	options := []gomail.Option{
		gomail.WithPort(c.Port),
		gomail.WithTimeout(c.Timeout + time.Minute), // the context ends it before
		gomail.WithHELO(s.domain),
		gomail.WithDialContextFunc(dial), gomail.WithTLSConfig(s.tls()),
	}
	switch {
	case c.PlainText:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	case c.ImplicitTLS:
		options = append(options, gomail.WithSSL())
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if c.User != "" {
		options = append(options, gomail.WithSMTPAuthCustom(&login{config: c}))
	}
	return options
}

// dial connects to the server, with TLS if the connection begins with it.
func (s *Sender) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	address := net.JoinHostPort(s.config.Host, strconv.Itoa(s.config.Port))
	if s.config.ImplicitTLS {
		return (&tls.Dialer{Config: s.tls()}).DialContext(ctx, network, address)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

func (s *Sender) tls() *tls.Config {
	c := s.config.TLS.Clone()
	if c == nil {
		c = &tls.Config{}
	}
	if c.ServerName == "" {
		c.ServerName = s.config.Host
	}
	if c.MinVersion == 0 {
		c.MinVersion = tls.VersionTLS12
	}
	return c
}

// A login logs in by PLAIN or else LOGIN. Both send the password, and are refused without
// TLS by the library unless the server is on this machine. (The library's own choice takes a
// connection that it has not made itself for one without TLS.)
type login struct {
	config Config
	auth   gosmtp.Auth
}

func (l *login) Start(server *gosmtp.ServerInfo) (proto string, toServer []byte, err error) {
	c := l.config
	switch {
	case slices.Contains(server.Auth, "PLAIN"):
		l.auth = gosmtp.PlainAuth("", c.User, c.Password, c.Host, false)
	case slices.Contains(server.Auth, "LOGIN"):
		l.auth = gosmtp.LoginAuth(c.User, c.Password, c.Host, false)
	default:
		return "", nil, errors.New("the server offers neither PLAIN nor LOGIN to log in")
	}
	return l.auth.Start(server)
}

func (l *login) Next(fromServer []byte, more bool) ([]byte, error) {
	return l.auth.Next(fromServer, more)
}

// refused reports whether the server has refused the recipient for good.
func refused(err error) bool {
	failed, ok := errors.AsType[*gomail.SendError](err)
	return ok && failed.Reason == gomail.ErrSMTPRcptTo && failed.ErrorCode() >= 500
}

// without returns the text of an error without the address of the recipient, which must
// not be in a log.
func without(err error, to string) string {
	text := strings.ReplaceAll(err.Error(), to, "(the recipient)")
	return text[:min(len(text), 500)]
}
