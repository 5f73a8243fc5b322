package demo

import "time"

// SetHeartbeat sets how often a stream of events sends a comment to keep the connection open.
func (w *Watch) SetHeartbeat(every time.Duration) { w.heartbeat = every }

// Streams returns how many streams of events are open.
func (w *Watch) Streams() int {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.streams
}
