package mail

import (
	"context"
	"slices"
	"sync"
	"time"
)

// An Outbox is a [Sender] that keeps the newest 100 messages in memory and sends none,
// for development and tests. Whoever can read it can log in as any user, so
// cloud.Platform.Check refuses it on App Engine and Cloud Run. The zero value is ready to
// use. It is safe for concurrent use.
type Outbox struct {
	mu   sync.Mutex
	sent []Sent // the oldest first
}

var _ Sender = (*Outbox)(nil)

// Sent is a message in an [Outbox].
type Sent struct {
	Message
	At time.Time // when it was sent
}

// maxOutbox is how many messages an Outbox keeps.
const maxOutbox = 100

// Send keeps the message, if it is valid.
func (o *Outbox) Send(ctx context.Context, m Message) error {
	if err := m.Validate(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.sent) == maxOutbox {
		o.sent = slices.Delete(o.sent, 0, 1)
	}
	o.sent = append(o.sent, Sent{m, time.Now()})
	return nil
}

// DevelopmentOnly returns why a site must not use the Outbox, and how to fix it, for
// cloud.Platform.Check.
func (o *Outbox) DevelopmentOnly() string {
	return "mails in an outbox would not be sent, and everybody who sees them can log in as others: send them with package mail/smtp"
}

// Messages returns the messages, the newest first.
func (o *Outbox) Messages() []Sent {
	o.mu.Lock()
	defer o.mu.Unlock()
	sent := slices.Clone(o.sent)
	slices.Reverse(sent)
	return sent
}
