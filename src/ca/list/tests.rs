use super::*;

fn read(text: &str) -> Result<Vec<(u32, String, Option<u32>)>, String> {
    let mut out = Vec::new();
    each::<ListError>(Path::new("l"), text.as_bytes(), &[], &mut |r| {
        out.push((r.line, r.subject.oneline(), r.days));
        Ok(())
    })
    .map(|()| out)
    .map_err(|e| e.to_string())
}

#[test]
fn reads_csv_with_quotes_a_mark_and_windows_lines() {
    let rows = read("\u{feff}name,days,O\r\n\"a,\"\"b\",30,\r\nt/d,,ACME\r\n\r\n").unwrap();
    assert_eq!(rows, [(2, "/CN=a,\"b".into(), Some(30)), (3, "/O=ACME/CN=t/d".into(), None)]);
}

#[test]
fn reads_json_arrays_and_lines() {
    let want = vec![(1, "/CN=a".to_owned(), None), (2, "/O=x]/CN=b".to_owned(), Some(9))];
    assert_eq!(read("[\"a\",\n{\"name\":\"b\",\"days\":9,\"O\":\"x]\"}]\n").unwrap(), want);
    assert_eq!(read("{\"name\":\"a\"}\n{\"name\":\"b\",\"days\":\"9\",\"O\":\"x]\"}").unwrap(), want);
}

#[test]
fn every_flaw_names_its_line() {
    let says = |text: &str, words: &str| {
        let e = read(text).unwrap_err();
        assert!(e.contains(words), "{e}");
    };
    says("device\nx\n", "l:1: no column is called name");
    says("name,colour\nx,y\n", "l:1: no column is called \"colour\"");
    says("name,days\nx,9\ny,ten\n", "l:3: \"ten\" is no number of days");
    says("name,days\nx\n", "l:2: 1 cells, but the first line names 2");
    says("name\n\"x\n", "a quoted cell does not end");
    says("name\nx#\n", "l:2: \"x#\":");
    says("[\"a\"\n", "the array does not end");
    says("", "empty");
}
