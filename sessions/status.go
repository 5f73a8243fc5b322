package sessions

// A Status says what a request's session is and why: the answer to "why was I
// logged out". It is settled by the first use of the session. Save changes it to
// StatusGone if another request has ended the session meanwhile, and from StatusGone to
// StatusNew if this request logs in.
type Status int

const (
	StatusNew        Status = iota // there was no cookie, or Destroy made room for another
	StatusLoaded                   // it was read
	StatusExpired                  // it was not used for its idle timeout, or is older than its absolute one
	StatusGone                     // it was ended or renewed by another request, or its backend has lost it
	StatusTampered                 // the cookie has no signature of ours for this name and site
	StatusUnreadable               // it is ours, and this program cannot read it
	StatusDown                     // the backend could not be asked: see Err
	StatusClock                    // the cookie is dated more than a minute ahead: the clock of a server is wrong, or was
)

var statusNames = [...]string{"new", "loaded", "expired", "gone", "tampered", "unreadable", "down", "clock"}

// String returns the name in lower case: new, loaded, expired, gone, tampered,
// unreadable, down or clock.
func (s Status) String() string {
	if s < 0 || int(s) >= len(statusNames) {
		return "unknown"
	}
	return statusNames[s]
}
