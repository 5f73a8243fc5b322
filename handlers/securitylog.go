package handlers

import (
	"cmp"
	"context"
	"log/slog"

	"github.com/webapp2go/webapp2go/auth"
)

// A SecurityEvent is the message of a record in the security log. The names are those of
// OWASP's Logging Vocabulary Cheat Sheet and will not change, so that alerts can rely on
// them.
type SecurityEvent string

const (
	LoginSuccess       SecurityEvent = "authn_login_success"        // a user has logged in
	LoginFail          SecurityEvent = "authn_login_fail"           // the name or the password was wrong
	LoginLock          SecurityEvent = "authn_login_lock"           // the Throttle refused a login; "reason" is the limit
	PasswordChange     SecurityEvent = "authn_password_change"      // a user has changed the password
	PasswordChangeFail SecurityEvent = "authn_password_change_fail" // the old password was wrong
	SessionExpired     SecurityEvent = "session_expired"            // sessions were ended early; "reason" says why
	UserCreated        SecurityEvent = "user_created"               // a user has signed up
	UserUpdated        SecurityEvent = "user_updated"               // the address or the roles of a user have changed
	UserDeleted        SecurityEvent = "user_deleted"               // a user has deleted the account
	AuthorizationFail  SecurityEvent = "authz_fail"                 // a request for a job came from somebody else; "reason" says why
	RateLimitExceeded  SecurityEvent = "excess_rate_limit_exceeded" // another limit was reached; "reason" is the limit
)

// level is Warn for events that an attack causes.
func (e SecurityEvent) level() slog.Level {
	switch e {
	case LoginFail, LoginLock, PasswordChangeFail, AuthorizationFail, RateLimitExceeded:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// LogSecurity writes a record into the security log of the site, which is Site.SecurityLog
// or, if that is nil, App.Log. The message is the event. The attributes are the given ones
// and "user" and "name", the id and the name of the user, if user is not nil, "source_ip",
// the address of the client, and "id", the id of the request.
//
// The pages of this package log their events themselves. Never log the name that somebody
// typed unless it is a user's: people type passwords into the field for the name.
func (h *BaseHandler) LogSecurity(event SecurityEvent, user *auth.User, attributes ...slog.Attr) {
	ctx := context.WithoutCancel(h.Context())
	log := cmp.Or(h.Site.SecurityLog, h.logger())
	if !log.Enabled(ctx, event.level()) {
		return
	}
	var all []slog.Attr
	if user != nil {
		all = append(all, slog.String("user", user.ID))
		if user.Name != "" {
			all = append(all, slog.String("name", user.Name))
		}
	}
	all = append(all, slog.String("source_ip", h.App.ClientIP(h.Request)), slog.String("id", h.Response.RequestID()))
	log.LogAttrs(ctx, event.level(), string(event), append(all, attributes...)...)
}

// logTyped logs an event of a name that somebody typed. Instead of the name, the record has
// a keyed hash of it, which is the same in all instances of the program. User is the user of
// that name, or nil.
func (h *BaseHandler) logTyped(event SecurityEvent, user *auth.User, name string, attributes ...slog.Attr) {
	throttle := &h.Site.Throttle
	hash := slog.String("name_hmac", throttle.hash("name\x00"+throttle.nameKey(name)))
	h.LogSecurity(event, user, append([]slog.Attr{hash}, attributes...)...)
}
