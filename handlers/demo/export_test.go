package demo

import "time"

// SetHeartbeat sets how often a stream of events says that it is alive.
func (w *Watch) SetHeartbeat(every time.Duration) { w.heartbeat = every }

// Streams returns how many streams of events are open.
func (w *Watch) Streams() int {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.streams
}
