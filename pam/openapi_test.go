package pam

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// document is what the tests read of openapi.json.
type document struct {
	Paths      map[string]map[string]operationDoc `json:"paths"`
	Components struct {
		Schemas map[string]struct {
			Enum       []string                   `json:"enum"`
			Properties map[string]json.RawMessage `json:"properties"`
		} `json:"schemas"`
	} `json:"components"`
}

type operationDoc struct {
	OperationID string                     `json:"operationId"`
	Security    *[]any                     `json:"security"`
	RequestBody json.RawMessage            `json:"requestBody"`
	Responses   map[string]json.RawMessage `json:"responses"`
}

func openAPIDocument(t *testing.T) document {
	t.Helper()
	var d document
	if err := json.Unmarshal(openAPI, &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Paths) == 0 {
		t.Fatal("the document is empty")
	}
	return d
}

// TestOpenAPI_RoutesAndDocumentAgree walks the table that the mux is built from: what is served is described,
// what is described is served, and nothing is open to strangers but what is listed here.
func TestOpenAPI_RoutesAndDocumentAgree(t *testing.T) {
	d := openAPIDocument(t)
	open := []string{"GET /api/openapi.json", "GET /assets/{path}"}
	byItself := []string{"GET /api/session/{id}/socket", "GET /s/{id}"} // identify the caller in their own way
	served := map[string]bool{}
	for _, rt := range insideBroker(t).table() {
		path := strings.ReplaceAll(rt.pattern, "...}", "}")
		name := rt.method + " " + path
		served[name] = true
		op, ok := d.Paths[path][strings.ToLower(rt.method)]
		if !ok {
			t.Errorf("%s is served and not in the document", name)
			continue
		}
		if op.OperationID == "" || len(op.Responses) == 0 {
			t.Errorf("%s: the document has no id or no responses", name)
		}
		if rt.method == "POST" && len(op.RequestBody) == 0 {
			t.Errorf("%s: the document has no body", name)
		}
		if unprotected := op.Security != nil && len(*op.Security) == 0; unprotected != slices.Contains(open, name) {
			t.Errorf("%s: the document says open to all: %v", name, unprotected)
		}
		if rt.public != (slices.Contains(open, name) || slices.Contains(byItself, name)) {
			t.Errorf("%s: needs no identity: %v", name, rt.public)
		}
		if _, ok := op.Responses["401"]; !ok && !rt.public {
			t.Errorf("%s: the document has no answer for strangers", name)
		}
	}
	for path, ops := range d.Paths {
		for method := range ops {
			if name := strings.ToUpper(method) + " " + path; !served[name] {
				t.Errorf("%s is in the document and not served", name)
			}
		}
	}
}

// TestOpenAPI_ErrorCodesAreComplete compares the document's enums with the constants in the code.
func TestOpenAPI_ErrorCodesAreComplete(t *testing.T) {
	d := openAPIDocument(t)
	want := map[string]bool{}
	for _, c := range constants[Code](t, "code.go", "Code") {
		want[string(c)] = true
	}
	for _, r := range constants[EndReason](t, "session.go", "EndReason") {
		want[string(r)] = true
		if !slices.Contains(endReasons, r) {
			t.Errorf("end reason %q is missing in endReasons", r)
		}
	}
	got := map[string]bool{}
	for _, c := range d.Components.Schemas["Code"].Enum {
		got[c] = true
	}
	if !maps.Equal(got, want) {
		for c := range want {
			if !got[c] {
				t.Errorf("code %q is not in the document", c)
			}
		}
		for c := range got {
			if !want[c] {
				t.Errorf("the document's code %q does not exist", c)
			}
		}
	}
	for c := range status {
		if !want[string(c)] {
			t.Errorf("status of unknown code %q", c)
		}
	}
}

// TestOpenAPI_ModelsHaveTheDocumentsMembers: what the API sends and takes has the members that the document names, and
// no others.
func TestOpenAPI_ModelsHaveTheDocumentsMembers(t *testing.T) {
	d := openAPIDocument(t)
	for schema, v := range map[string]any{
		"Access": accessView{}, "Asset": assetView{}, "Param": paramView{}, "Session": sessionView{}, "Launch": launchBody{},
		"Ask": askBody{}, "AccessRequest": requestView{}, "Workflow": workflowView{},
		"File": fileView{}, "FileList": listView{}, "Transfer": transferView{},
	} {
		want := slices.Sorted(maps.Keys(d.Components.Schemas[schema].Properties))
		if got := jsonMembers(t, v); !slices.Equal(got, want) {
			t.Errorf("%s: code has %q, document %q", schema, got, want)
		}
	}
}

// jsonMembers names the members that encoding/json gives a struct, embedded ones included.
func jsonMembers(t *testing.T, v any) []string {
	t.Helper()
	var out []string
	for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" && name != "-" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// TestCodes_Closed finds codes that are written as text somewhere instead of by their constant: the set would
// not be closed any more.
func TestCodes_Closed(t *testing.T) {
	fset := token.NewFileSet()
	for _, file := range []string{"access.go", "api.go", "approval.go", "ask.go", "attach.go", "dispatch.go", "extend.go", "fileaccess.go", "fileapi.go", "fileevents.go", "guard.go", "http.go", "live.go", "mfa.go", "requestapi.go", "requestform.go", "requestlist.go", "run.go", "socket.go", "start.go", "transfer.go", "transferio.go", "verdict.go", "viewer.go"} {
		f, err := parser.ParseFile(fset, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			kv, ok := n.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			if id, ok := kv.Key.(*ast.Ident); ok && id.Name == "Code" {
				if lit, ok := kv.Value.(*ast.BasicLit); ok {
					t.Errorf("%v: code %s as text", fset.Position(lit.Pos()), lit.Value)
				}
			}
			return true
		})
	}
}
