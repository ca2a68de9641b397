package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"strings"
	"time"
)

// The picture, in pixels.
const pictureWidth, pictureHeight = 400, 300

// xclient speaks as much of the X protocol as it takes to move a picture: requests without answers, in the byte order that most machines have.
type xclient struct {
	conn net.Conn
	base uint32 // of identifiers
	last uint32
	root uint32
	err  error
}

// Requests of the core protocol, by their opcodes.
const (
	opCreateWindow, opMapWindow, opConfigureWindow, opCreatePixmap, opCreateGC, opPutImage, opGetInputFocus = 1, 8, 12, 53, 55, 72, 43
)

// showPicture moves a picture over a display, 25 times a second.
func showPicture(display string, lasts time.Duration) error {
	c, err := dialX("/tmp/.X11-unix/X" + strings.TrimPrefix(display, ":"))
	if err != nil {
		return err
	}
	defer c.conn.Close()
	pixmap, gc, window := c.id(), c.id(), c.id()
	const depth = 24
	c.request(opCreatePixmap, depth, pixmap, c.root, pair(pictureWidth, pictureHeight))
	c.request(opCreateGC, 0, gc, pixmap, 0)
	// An image has to fit the longest request, which is 256 KiB.
	const strip = 100
	for y := 0; y < pictureHeight; y += strip {
		words := []uint32{pixmap, gc, pair(pictureWidth, strip), pair(0, y), depth << 8}
		for row := range strip {
			for x := range pictureWidth {
				words = append(words, plasma(x, y+row))
			}
		}
		const zPixmap = 2
		c.request(opPutImage, zPixmap, words...)
	}
	const backPixmap, overrideRedirect = 1 << 0, 1 << 9
	c.request(opCreateWindow, depth, window, c.root, pair(0, 0), pair(pictureWidth, pictureHeight), pair(0, 1), 0, backPixmap|overrideRedirect, pixmap, 1)
	c.request(opMapWindow, 0, window)
	tick := time.NewTicker(time.Second / 25)
	defer tick.Stop()
	for i := range int(lasts / (time.Second / 25)) {
		<-tick.C
		t := float64(i) / 25
		x := (1 + math.Sin(1.3*t)) / 2 * (width - pictureWidth)
		y := (1 + math.Cos(1.7*t)) / 2 * (height - pictureHeight)
		const moveX, moveY = 1, 2
		c.request(opConfigureWindow, 0, window, moveX|moveY, uint32(x), uint32(y))
	}
	// An answer, or an error that came before it, says how all that went.
	c.request(opGetInputFocus, 0)
	return c.finish()
}

// plasma is a pixel of something like a photograph: colours that run into each other, and grain.
func plasma(x, y int) uint32 {
	fx, fy := float64(x), float64(y)
	grain := uint32(x*7919+y*104729) * 2654435761 >> 29
	wave := func(a, b, c float64) uint32 {
		return uint32(120+60*math.Sin(fx/a+fy/b)+50*math.Sin(math.Hypot(fx-200, fy-150)/c)) + grain
	}
	return wave(31, 47, 23)<<16 | wave(53, 29, 37)<<8 | wave(41, 61, 17)
}

func dialX(socket string) (*xclient, error) {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil, err
	}
	hello := []byte{'l', 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0} // little-endian, version 11, no authorisation
	if _, err := conn.Write(hello); err != nil {
		return nil, err
	}
	head := make([]byte, 8)
	if _, err := io.ReadFull(conn, head); err != nil {
		return nil, err
	}
	body := make([]byte, 4*int(binary.LittleEndian.Uint16(head[6:])))
	if _, err := io.ReadFull(conn, body); err != nil {
		return nil, err
	}
	const fixed = 32
	if head[0] != 1 || len(body) < fixed {
		return nil, fmt.Errorf("the display refuses: %q", body)
	}
	vendor, formats := int(binary.LittleEndian.Uint16(body[16:])), int(body[21])
	screen := fixed + (vendor+3)&^3 + 8*formats
	if len(body) < screen+4 {
		return nil, errors.New("the display has no screen")
	}
	return &xclient{conn: conn, base: binary.LittleEndian.Uint32(body[4:]), root: binary.LittleEndian.Uint32(body[screen:])}, nil
}

func (c *xclient) id() uint32 {
	c.last++
	return c.base | c.last
}

// pair is two fields of 16 bits.
func pair(a, b int) uint32 { return uint32(uint16(a)) | uint32(uint16(b))<<16 }

func (c *xclient) request(op, detail byte, words ...uint32) {
	if c.err != nil {
		return
	}
	b := binary.LittleEndian.AppendUint16([]byte{op, detail}, uint16(1+len(words)))
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	_, c.err = c.conn.Write(b)
}

// finish waits for the answer of the last request.
func (c *xclient) finish() error {
	answer := make([]byte, 32)
	for c.err == nil {
		if _, c.err = io.ReadFull(c.conn, answer); c.err != nil {
			break
		}
		switch answer[0] {
		case 0:
			return fmt.Errorf("the display: error %d of request %d", answer[1], answer[10])
		case 1:
			return nil
		}
	}
	return c.err
}
