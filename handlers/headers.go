package handlers

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// StrictCSP is the Content-Security-Policy of a site that sets none. A page can load style
// sheets and pictures of its own site and send forms to it, and nothing else: no script, no
// frame, no inline style.
const StrictCSP = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// A securityHeader is part of every response of a site.
type securityHeader struct {
	name, value string
	https       bool // only over https and not in Debug
	nonce       bool // the value contains nonceMark
}

// securityHeaders are the usual ones (OWASP Secure Headers Project), beside
// Content-Security-Policy and X-Frame-Options.
var securityHeaders = []securityHeader{
	{name: "X-Content-Type-Options", value: "nosniff"},
	{name: "Referrer-Policy", value: "same-origin"},
	{name: "Permissions-Policy", value: "camera=(), microphone=(), geolocation=(), payment=(), usb=()"},
	{name: "Cross-Origin-Opener-Policy", value: "same-origin"},
	{name: "Cross-Origin-Resource-Policy", value: "same-origin"},
}

const (
	cspHeader       = "Content-Security-Policy"
	frameHeader     = "X-Frame-Options"
	transportHeader = "Strict-Transport-Security"
)

// added are the directives that a policy gets if it does not have them. default-src does not
// cover them, so that a policy without them would allow everything.
var added = []struct{ directive, value string }{
	{"frame-ancestors", "'none'"},
	{"base-uri", "'none'"},
	{"form-action", "'self'"},
}

// directive returns the value of a directive of a policy, and reports whether it is there.
func directive(policy, name string) (value string, ok bool) {
	for _, text := range strings.FieldsFunc(policy, func(r rune) bool { return r == ';' || r == ',' }) {
		words := strings.Fields(text)
		if len(words) > 0 && strings.EqualFold(words[0], name) {
			return strings.Join(words[1:], " "), true
		}
	}
	return "", false
}

// csp returns the Content-Security-Policy of the site.
func (s *Site) csp() string {
	if s.CSP == "" {
		return StrictCSP
	}
	policy := strings.TrimRight(s.CSP, "; ")
	for _, a := range added {
		if _, ok := directive(policy, a.directive); !ok {
			policy += "; " + a.directive + " " + a.value
		}
	}
	return policy
}

// frameOptions returns the X-Frame-Options that says the same as the frame-ancestors of a
// policy, for older browsers, or "" if there is none.
func frameOptions(policy string) string {
	switch ancestors, ok := directive(policy, "frame-ancestors"); {
	case ok && (ancestors == "'none'" || ancestors == ""):
		return "DENY"
	case ok && ancestors == "'self'":
		return "SAMEORIGIN"
	}
	return ""
}

// allHeaders returns the headers that the site sends: its own, and the usual ones that it
// does not replace.
func (s *Site) allHeaders() []securityHeader {
	own := map[string]string{}
	for name, value := range s.Headers {
		own[http.CanonicalHeaderKey(name)] = value
	}
	policy := s.csp()
	if value, ok := own[cspHeader]; ok {
		policy = value
	}
	all := append([]securityHeader{
		{name: cspHeader, value: policy},
		{name: frameHeader, value: frameOptions(policy)},
	}, securityHeaders...)
	var sent []securityHeader
	for _, header := range all {
		if value, ok := own[header.name]; ok {
			header.value = value
			delete(own, header.name)
		}
		if header.value != "" {
			sent = append(sent, header)
		}
	}
	for name, value := range own {
		if value != "" {
			sent = append(sent, securityHeader{name: name, value: value, https: name == transportHeader})
		}
	}
	for at := range sent {
		sent[at].nonce = hasNonce(sent[at].name, sent[at].value)
	}
	return sent
}

// nonceMark is replaced by the nonce.
const nonceMark = "{nonce}"

// hasNonce reports whether a header is a policy with a nonce, including a policy that only
// reports.
func hasNonce(name, value string) bool {
	return strings.HasPrefix(name, cspHeader) && strings.Contains(value, nonceMark)
}

// setHeaders sets the security headers and returns the nonce of the policy, if it has one.
// One allocation holds the values of a request, so that a handler can change them without
// changing those of other responses.
func (s *Site) setHeaders(header http.Header, https bool) (nonce string) {
	s.prepared.Do(func() { s.sent = s.allHeaders() })
	values := make([]string, len(s.sent))
	for at := range s.sent {
		if h := &s.sent[at]; !h.https || https {
			values[at] = h.value
			if h.nonce {
				if nonce == "" {
					nonce = newNonce()
				}
				values[at] = strings.ReplaceAll(h.value, nonceMark, nonce)
			}
			header[h.name] = values[at : at+1 : at+1]
		}
	}
	return nonce
}

func newNonce() string {
	var bits [16]byte
	rand.Read(bits[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(bits[:])
}

// checkHeaders reports headers that cannot be sent.
func (s *Site) checkHeaders() error {
	var mistakes []error
	for name, value := range s.Headers {
		if strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r) }) || name == "" {
			mistakes = append(mistakes, fmt.Errorf("handlers: Site.Headers: %q is not the name of a header", name))
		}
		if http.CanonicalHeaderKey(name) == cspHeader && s.CSP != "" {
			mistakes = append(mistakes, errors.New("handlers: Site.CSP and Site.Headers both set the "+cspHeader+": use one of them"))
		}
		if hasControl(value) {
			mistakes = append(mistakes, fmt.Errorf("handlers: Site.Headers[%q] is %q: remove the control character", name, value))
		}
	}
	if s.Templates != nil && s.Templates.UsesNonce() && !slices.ContainsFunc(s.allHeaders(), func(h securityHeader) bool { return h.nonce }) {
		mistakes = append(mistakes, errors.New(`handlers: the layout uses .Nonce, but the policy has no nonce, so that browsers would refuse the script: write 'nonce-{nonce}' in Site.CSP, as in "script-src 'nonce-{nonce}'"`))
	}
	if hasControl(s.CSP) {
		mistakes = append(mistakes, fmt.Errorf("handlers: Site.CSP is %q: write it in one line, without control characters", s.CSP))
	}
	return errors.Join(mistakes...)
}

func hasControl(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}
