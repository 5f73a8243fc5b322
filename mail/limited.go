package mail

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
)

// Limited is a [Sender] that bounds how many mails one recipient gets, so that the forms of
// a site cannot be used to bury somebody in mails. It counts in the memory of one process;
// each instance of a site counts for itself. It is safe for concurrent use.
type Limited struct {
	// Sender sends what is within the limit. It must be set.
	Sender Sender
	// PerHour is how many mails one recipient can get in an hour. If 0, it is 3.
	PerHour int

	mu         sync.Mutex
	recipients map[string][]time.Time // when the mails of the last hour were sent
}

var _ Sender = (*Limited)(nil)

// ErrLimit is returned by [Limited] for a mail over the limit, which is not sent. Show
// the same page as for a mail that was sent.
var ErrLimit = errors.New("mail: this recipient was sent too many mails in the last hour")

// maxRecipients bounds the memory of a Limited. A site that sends mails to more recipients
// in an hour refuses to send more.
const maxRecipients = 100_000

// Send sends the message, or returns [ErrLimit]. A mail that could not be sent does not
// count. The case of an address makes no difference.
func (l *Limited) Send(ctx context.Context, m Message) error {
	if err := m.Validate(); err != nil {
		return err
	}
	recipient, now := strings.ToLower(m.To), time.Now()
	if !l.take(recipient, now) {
		return ErrLimit
	}
	err := l.Sender.Send(ctx, m)
	if err != nil {
		l.giveBack(recipient, now)
	}
	return err
}

// take counts a mail, and reports whether it may be sent.
func (l *Limited) take(recipient string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.recipients == nil {
		l.recipients = make(map[string][]time.Time)
	}
	sent := recent(l.recipients[recipient], now)
	if len(sent) >= cmp.Or(l.PerHour, 3) {
		l.recipients[recipient] = sent
		return false
	}
	if sent == nil && len(l.recipients) >= maxRecipients {
		for other, sent := range l.recipients {
			if recent(sent, now) == nil {
				delete(l.recipients, other)
			}
		}
		if len(l.recipients) >= maxRecipients {
			return false
		}
	}
	l.recipients[recipient] = append(sent, now)
	return true
}

// giveBack removes what take has counted.
func (l *Limited) giveBack(recipient string, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	sent := l.recipients[recipient]
	if i := slices.IndexFunc(sent, at.Equal); i >= 0 {
		sent = slices.Delete(slices.Clone(sent), i, i+1)
	}
	if len(sent) == 0 {
		delete(l.recipients, recipient)
	} else {
		l.recipients[recipient] = sent
	}
}

// recent returns the times of the last hour, nil if there is none.
func recent(sent []time.Time, now time.Time) []time.Time {
	for len(sent) > 0 && now.Sub(sent[0]) >= time.Hour {
		sent = sent[1:]
	}
	if len(sent) == 0 {
		return nil
	}
	return sent
}
