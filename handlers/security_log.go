package handlers

import (
	"cmp"
	"context"
	"log/slog"

	"github.com/webapp2go/webapp2go/auth"
)

// A SecurityEvent is the name of what a security log records, and its message. The names
// are those of OWASP's Logging Vocabulary Cheat Sheet, which stay as they are, so that
// alerts can be keyed on them.
type SecurityEvent string

const (
	LoginSuccess       SecurityEvent = "authn_login_success"        // somebody has logged in
	LoginFail          SecurityEvent = "authn_login_fail"           // name and password do not fit
	LoginLock          SecurityEvent = "authn_login_lock"           // the Throttle let nobody try: "reason" is the limit
	PasswordChange     SecurityEvent = "authn_password_change"      // a user has another password
	PasswordChangeFail SecurityEvent = "authn_password_change_fail" // the old password was wrong
	SessionExpired     SecurityEvent = "session_expired"            // sessions were ended before their time: "reason" says by what
	UserCreated        SecurityEvent = "user_created"               // somebody has signed up
	RateLimitExceeded  SecurityEvent = "excess_rate_limit_exceeded" // another limit was reached: "reason" is the limit
)

// level is Warn for what nobody does who is at home here.
func (e SecurityEvent) level() slog.Level {
	switch e {
	case LoginFail, LoginLock, PasswordChangeFail, RateLimitExceeded:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// LogSecurity writes one record into the security log of the site, which is
// Site.SecurityLog or else App.Log. Its message is the event; it has the id of the user
// as "user" and the name as "name", if there is a user and they are known, the address
// of the client as "source_ip", the id of the request as "id", and the attributes. The
// pages of this package log their events themselves. Never log what somebody typed who
// is not known: people type passwords into the field for the name.
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

// logRefusal logs an event of a name that somebody typed, by what stands for the name:
// the same for the same name in all instances, of no use to who does not have the keys.
func (h *BaseHandler) logRefusal(event SecurityEvent, name string, attributes ...slog.Attr) {
	h.logTyped(event, nil, name, attributes...)
}

// logFailure logs that a name and a password do not fit, with the user of that name, if
// there is one. It asks for the user in any case, so that it takes as long if there is
// none, but for what is too long to be anybody's.
func (h *BaseHandler) logFailure(name, password string) {
	var user *auth.User
	if !tooLong(name, password) {
		if found, err := h.Site.Users.ByName(h.Context(), name); err == nil {
			user = found
		}
	}
	h.logTyped(LoginFail, user, name)
}

// logTyped is logRefusal with the user of the name; nil: unknown.
func (h *BaseHandler) logTyped(event SecurityEvent, user *auth.User, name string, attributes ...slog.Attr) {
	throttle := &h.Site.Throttle
	hidden := slog.String("name_hmac", throttle.hidden("name\x00"+throttle.nameKey(name)))
	h.LogSecurity(event, user, append([]slog.Attr{hidden}, attributes...)...)
}
