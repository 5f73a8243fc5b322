package framework

import (
	"io"
	"slices"
	"sync"
)

// A body that is held lies in a buffer that the next request uses again. Those that
// grew beyond the default of App.BufferSize are left to the garbage collector, so that a
// few large answers do not fix the memory of all.
var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, 4<<10)) }}

const largestKept = 64 << 10

// buffer returns the buffer of the body, and takes one at its first call.
func (r *Response) buffer() *[]byte {
	if r.body == nil {
		r.body = buffers.Get().(*[]byte)
		*r.body, r.text = append(*r.body, r.text...), ""
	}
	return r.body
}

func (r *Response) hold(p []byte) {
	buffer := r.buffer()
	*buffer = append(*buffer, p...)
}

// holdFrom reads once from src, no more than there is room for.
func (r *Response) holdFrom(src io.Reader) (n int, err error) {
	buffer := r.buffer()
	held := len(*buffer)
	room := r.limit() - held
	if held == cap(*buffer) {
		*buffer = slices.Grow(*buffer, min(room, held))
	}
	free := (*buffer)[held:cap(*buffer)]
	n, err = src.Read(free[:min(room, len(free))])
	*buffer = (*buffer)[:held+n]
	r.count += int64(n)
	return n, err
}

func (r *Response) held() int {
	if r.body == nil {
		return len(r.text)
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
	if r.text = ""; buffer == nil {
		return
	}
	r.body = nil
	if cap(*buffer) <= largestKept {
		*buffer = (*buffer)[:0]
		buffers.Put(buffer)
	}
}
