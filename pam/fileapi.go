package pam

import (
	"context"
	"io/fs"
	"net/http"
	"path"
	"time"
)

// Names of files are in bodies and never in addresses: those are kept by browsers and logged by proxies (S50).

// pathBody is the body of what is about one name.
type pathBody struct {
	Path string `json:"path"`
}

// fileView is a file as a browser sees it. All of it is the target's claim.
type fileView struct {
	Name     string `json:"name"`
	Kind     string `json:"kind"` // file, folder, link, other
	Size     int64  `json:"size"`
	Mode     string `json:"mode"`
	Modified string `json:"modified,omitempty"`
	Link     string `json:"link,omitempty"`
}

func viewFile(i FileInfo) fileView {
	v := fileView{Name: i.Name, Kind: "other", Size: i.Size, Mode: i.Mode.String(), Link: i.Link}
	switch {
	case i.Mode.IsRegular():
		v.Kind = "file"
	case i.Mode.IsDir():
		v.Kind = "folder"
	case i.Mode&fs.ModeSymlink != 0:
		v.Kind = "link"
	}
	if !i.ModTime.IsZero() {
		v.Modified = i.ModTime.UTC().Format(time.RFC3339)
	}
	return v
}

// listView is the content of a folder.
type listView struct {
	Path      string     `json:"path"`
	Files     []fileView `json:"files"`
	Truncated bool       `json:"truncated,omitempty"`
	Refused   int        `json:"refused,omitempty"`
}

// fileAnswer serves a route that takes a body and gives an answer.
func fileAnswer[B, V any](b *Broker, w http.ResponseWriter, r *http.Request, who Identity, st int, do func(context.Context, fileCall, B) (V, error)) error {
	var body B
	if err := b.readJSON(w, r, &body); err != nil {
		return err
	}
	var v V
	err := b.withFiles(r, who, func(ctx context.Context, c fileCall) (err error) {
		v, err = do(ctx, c, body)
		return err
	})
	if err != nil {
		return err
	}
	writeJSON(w, st, v)
	return nil
}

// serveFileList lists a folder; an empty path is where to begin.
func (b *Broker) serveFileList(w http.ResponseWriter, r *http.Request, who Identity) error {
	return fileAnswer(b, w, r, who, http.StatusOK, func(ctx context.Context, c fileCall, body pathBody) (listView, error) {
		v := listView{Path: body.Path, Files: []fileView{}}
		if err := c.may(ctx, fileBrowse, SessionEvent{}); err != nil {
			return v, err
		}
		err := c.do(ctx, func(x FileSystem) (err error) {
			if v.Path == "" {
				if v.Path, err = x.Home(ctx); err != nil {
					return err
				}
			}
			l, err := x.List(ctx, v.Path)
			for _, i := range l.Files {
				v.Files = append(v.Files, viewFile(i))
			}
			v.Truncated, v.Refused = l.Truncated, l.Refused
			return err
		})
		return v, err
	})
}

func (b *Broker) serveFileStat(w http.ResponseWriter, r *http.Request, who Identity) error {
	return fileAnswer(b, w, r, who, http.StatusOK, func(ctx context.Context, c fileCall, body pathBody) (v fileView, err error) {
		if err := c.may(ctx, fileBrowse, SessionEvent{}); err != nil {
			return v, err
		}
		err = c.do(ctx, func(x FileSystem) error {
			info, err := x.Stat(ctx, body.Path)
			v = viewFile(info)
			return err
		})
		return v, err
	})
}

func (b *Broker) serveFileMkdir(w http.ResponseWriter, r *http.Request, who Identity) error {
	var body pathBody
	if err := b.readJSON(w, r, &body); err != nil {
		return err
	}
	return b.change(w, r, who, fileMkdir, SessionEvent{Path: body.Path}, func(ctx context.Context, x FileSystem) error {
		return x.Mkdir(ctx, body.Path)
	})
}

func (b *Broker) serveFileRemove(w http.ResponseWriter, r *http.Request, who Identity) error {
	var body pathBody
	if err := b.readJSON(w, r, &body); err != nil {
		return err
	}
	return b.change(w, r, who, fileRemove, SessionEvent{Path: body.Path}, func(ctx context.Context, x FileSystem) error {
		return x.Remove(ctx, body.Path)
	})
}

// renameBody is the body of a rename.
type renameBody struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Replace bool   `json:"replace"`
}

func (b *Broker) serveFileRename(w http.ResponseWriter, r *http.Request, who Identity) error {
	var body renameBody
	if err := b.readJSON(w, r, &body); err != nil {
		return err
	}
	op := fileRename
	if body.Replace {
		op = fileMoveOver
	}
	return b.change(w, r, who, op, SessionEvent{Path: body.From, To: body.To}, func(ctx context.Context, x FileSystem) error {
		return x.Rename(ctx, body.From, body.To, body.Replace)
	})
}

// change does what changes the tree: checked, written down, done, and written down again if it failed.
func (b *Broker) change(w http.ResponseWriter, r *http.Request, who Identity, op fileOp, e SessionEvent, do func(context.Context, FileSystem) error) error {
	err := b.withFiles(r, who, func(ctx context.Context, c fileCall) error {
		for _, name := range []string{e.Path, e.To} {
			if _, err := RawFilePath(name); err != nil && (name != "" || name == e.Path) || name == "/" {
				return &Refusal{Code: CodeFileBadName}
			}
		}
		if err := c.may(ctx, op, e); err != nil {
			return err
		}
		if err := c.note(ctx, op, e); err != nil {
			return err
		}
		err := c.do(ctx, func(x FileSystem) error { return do(ctx, x) })
		if err != nil {
			e.Outcome = codeOf(err)
			late, cancel := c.s.lastSteps()
			defer cancel()
			_ = c.note(late, op, e) // refused it is, written down or not
		}
		return err
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// uploadBody is the body of the beginning of an upload.
type uploadBody struct {
	Path    string `json:"path"`
	Size    int64  `json:"size"`
	Replace bool   `json:"replace"`
}

func (b *Broker) serveUpload(w http.ResponseWriter, r *http.Request, who Identity) error {
	return fileAnswer(b, w, r, who, http.StatusCreated, func(ctx context.Context, c fileCall, body uploadBody) (transferView, error) {
		t, err := c.beginUpload(ctx, body)
		return t.view(), err
	})
}

func (b *Broker) serveDownload(w http.ResponseWriter, r *http.Request, who Identity) error {
	return fileAnswer(b, w, r, who, http.StatusCreated, func(ctx context.Context, c fileCall, body pathBody) (transferView, error) {
		t, err := c.beginDownload(ctx, body.Path)
		return t.view(), err
	})
}

// serveTransfers tells how far the caller's transfers have come: what the target has taken, or what was sent.
func (b *Broker) serveTransfers(w http.ResponseWriter, r *http.Request, who Identity) error {
	s, p, err := b.place(r, who)
	if err != nil {
		return err
	}
	views := []transferView{}
	for _, t := range s.files.of(p) {
		views = append(views, t.view())
	}
	writeJSON(w, http.StatusOK, map[string]any{"transfers": views})
	return nil
}

func (b *Broker) serveTransferCancel(w http.ResponseWriter, r *http.Request, who Identity) error {
	if err := b.readJSON(w, r, &struct{}{}); err != nil {
		return err
	}
	err := b.withFiles(r, who, func(ctx context.Context, c fileCall) error {
		t, err := c.find(r.PathValue("transfer"))
		if err != nil {
			return err
		}
		return t.cancel(ctx)
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// beside returns the name under which an upload is written before it gets its own.
func beside(name, random string) string { return path.Join(path.Dir(name), ".upload-"+random+".part") }
