package framework

import "sync"

// A body that is held lies in a buffer that the next request uses again. Those that
// grew beyond the default of App.Buffer are left to the garbage collector, so that a
// few large answers do not fix the memory of all.
var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, 4<<10)) }}

const largestKept = 64 << 10

// buffer returns the buffer of the body, and takes one at its first call.
func (r *Response) buffer() *[]byte {
	if r.body == nil {
		r.body = buffers.Get().(*[]byte)
	}
	return r.body
}

func (r *Response) hold(p []byte) {
	buffer := r.buffer()
	*buffer = append(*buffer, p...)
}

func (r *Response) held() int {
	if r.body == nil {
		return 0
	}
	return len(*r.body)
}

// dropBody forgets what was written and not sent.
func (r *Response) dropBody() {
	r.count = 0
	r.release()
}

// release gives the buffer back. Nobody else has seen it: Write copies.
func (r *Response) release() {
	buffer := r.body
	if buffer == nil {
		return
	}
	r.body = nil
	if cap(*buffer) <= largestKept {
		*buffer = (*buffer)[:0]
		buffers.Put(buffer)
	}
}
