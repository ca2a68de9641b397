package rdp

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/channel/cliprdr"
)

// greet has the server open the clipboard.
func greet(f *far) {
	f.t.Helper()
	f.say("cliprdr", cliprdr.Capabilities(cliprdr.CapLongNames), cliprdr.MonitorReady())
	f.next("cliprdr")
	f.next("cliprdr")
}

// TestClipboard_BothWays: text goes either way when it is asked for, a long one too; each refusal is an error of its own.
func TestClipboard_S20_BothWays(t *testing.T) {
	c, f, updates := pair(t, Config{Clipboard: &Clipboard{ToSession: true, FromSession: true}})
	greet(f)
	long := strings.Repeat("0123456789abcde\n", 1<<16)
	for _, text := range []string{"short", long} {
		if err := c.OfferText(func(context.Context) (string, error) { return text, nil }); err != nil {
			t.Fatal(err)
		}
		f.next("cliprdr")
		f.say("cliprdr", cliprdr.FormatListResponse(true), cliprdr.FormatDataRequest(cliprdr.FormatUnicode))
		if got := f.next("cliprdr"); !bytes.Equal(got, cliprdr.FormatDataResponse(true, cliprdr.EncodeText(cliprdr.FormatUnicode, text))) {
			t.Errorf("%d bytes came", len(got))
		}
	}
	if err := c.OfferText(func(context.Context) (string, error) { return "", errors.New("no") }); err != nil {
		t.Fatal(err)
	}
	f.next("cliprdr")
	f.say("cliprdr", cliprdr.FormatDataRequest(cliprdr.FormatUnicode))
	if got := f.next("cliprdr"); !bytes.Equal(got, cliprdr.FormatDataResponse(false, nil)) {
		t.Errorf("%q", got)
	}

	if _, err := c.FetchText(t.Context()); !errors.Is(err, ErrClipboardEmpty) {
		t.Error(err)
	}
	f.say("cliprdr", cliprdr.FormatList([]cliprdr.Format{{ID: cliprdr.FormatUnicode}}, true))
	if u := await[*ClipboardChanged](t, updates); !u.Text {
		t.Error("no text")
	}
	f.next("cliprdr")
	for _, text := range []string{"short", long[:1<<20-1]} {
		done := make(chan error)
		var got string
		go func() {
			var err error
			got, err = c.FetchText(context.Background())
			done <- err
		}()
		f.next("cliprdr")
		f.say("cliprdr", cliprdr.FormatDataResponse(true, cliprdr.EncodeText(cliprdr.FormatUnicode, text)))
		if err := <-done; err != nil || got != text {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
	done := make(chan error)
	go func() {
		_, err := c.FetchText(context.Background())
		done <- err
	}()
	f.next("cliprdr")
	f.say("cliprdr", cliprdr.FormatDataResponse(true, make([]byte, 5<<20))) // more than will be read
	if err := <-done; !errors.Is(err, ErrTextTooLong) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.FetchText(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := c.FetchText(t.Context()); !errors.Is(err, ErrClipboardBusy) {
		t.Error(err)
	}
}

// TestClipboard_S20_NotAllowed: without the Config nothing is possible, nor with a server that has no clipboard.
func TestClipboard_S20_NotAllowed(t *testing.T) {
	provider := func(context.Context) (string, error) { return "secret", nil }
	c, _, _ := pair(t, Config{})
	if err := c.OfferText(provider); !errors.Is(err, ErrNotConfigured) {
		t.Error(err)
	}
	if _, err := c.FetchText(t.Context()); !errors.Is(err, ErrNotConfigured) {
		t.Error(err)
	}
	c, f, _ := pair(t, Config{Clipboard: &Clipboard{}})
	greet(f)
	if err := c.OfferText(provider); !errors.Is(err, ErrClipboardDenied) {
		t.Error(err)
	}
	if _, err := c.FetchText(t.Context()); !errors.Is(err, ErrClipboardDenied) {
		t.Error(err)
	}
	c, _, _ = pair(t, Config{Clipboard: &Clipboard{ToSession: true, FromSession: true}}, "cliprdr")
	if err := c.OfferText(provider); !errors.Is(err, ErrNotOffered) {
		t.Error(err)
	}
}

// TestClipboard_EndsWithTheClient: a provider that waits, and a fetch that waits, end when the client is closed.
func TestClipboard_EndsWithTheClient(t *testing.T) {
	c, f, updates := pair(t, Config{Clipboard: &Clipboard{ToSession: true, FromSession: true}})
	greet(f)
	f.say("cliprdr", cliprdr.FormatList([]cliprdr.Format{{ID: cliprdr.FormatUnicode}}, true))
	await[*ClipboardChanged](t, updates)
	f.next("cliprdr")
	asked := make(chan struct{})
	err := c.OfferText(func(ctx context.Context) (string, error) { close(asked); <-ctx.Done(); return "", ctx.Err() })
	if err != nil {
		t.Fatal(err)
	}
	f.next("cliprdr")
	f.say("cliprdr", cliprdr.FormatDataRequest(cliprdr.FormatUnicode))
	<-asked
	done := make(chan error)
	go func() {
		_, err := c.FetchText(context.Background())
		done <- err
	}()
	f.next("cliprdr")
	c.Close()
	if err := <-done; CodeOf(err) != CodeClosed {
		t.Error(err)
	}
}
