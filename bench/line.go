package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// A line is a connection on which the same request is sent again and again. It
// knows the answer's length from the first one, and parses no more. Its socket
// blocks: reading it is one system call, without the runtime's poller.
type line struct {
	socket  *os.File
	fd      int
	request []byte
	answer  []byte
	want    []byte // the end of the answer
}

const (
	statusOK = "HTTP/1.1 200 "
	// patience bounds every wait for a server.
	patience = 10 * time.Second
)

// dialLine connects, asks once and parses that answer in full.
func dialLine(o order) (*line, error) {
	conn, err := net.DialTimeout("tcp", o.Addr, patience)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, o.Request); err != nil {
		return nil, err
	}
	var wire bytes.Buffer
	response, err := http.ReadResponse(bufio.NewReader(io.TeeReader(conn, &wire)), nil)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK || string(body) != o.Want {
		return nil, fmt.Errorf("load: the answer is %d %q, not 200 %q", response.StatusCode, body, o.Want)
	}
	l := &line{request: []byte(o.Request), answer: make([]byte, wire.Len()), want: []byte(o.Want)}
	return l, l.block(conn)
}

// block takes the socket of conn over and makes it block, for as long as patience.
func (l *line) block(conn net.Conn) error {
	var err error
	if l.socket, err = conn.(*net.TCPConn).File(); err != nil {
		return err
	}
	l.fd = int(l.socket.Fd())
	if err := syscall.SetNonblock(l.fd, false); err != nil {
		return err
	}
	limit := syscall.NsecToTimeval(patience.Nanoseconds())
	return syscall.SetsockoptTimeval(l.fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &limit)
}

func (l *line) close() { l.socket.Close() }

// send sends the request.
func (l *line) send() error {
	n, err := syscall.Write(l.fd, l.request)
	if err == nil && n < len(l.request) {
		err = io.ErrShortWrite
	}
	return err
}

// receive reads the answer and looks at both its ends.
func (l *line) receive() error {
	for read := 0; read < len(l.answer); {
		n, err := syscall.Read(l.fd, l.answer[read:])
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("load: read: %w", err)
		}
		if n == 0 {
			return io.ErrUnexpectedEOF
		}
		read += n
	}
	if !bytes.HasPrefix(l.answer, []byte(statusOK)) || !bytes.HasSuffix(l.answer, l.want) {
		return fmt.Errorf("load: the answer is %q", l.answer)
	}
	return nil
}
