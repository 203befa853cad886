use super::*;

#[test]
fn notifications_round_trip() {
    for (code, data) in [(ErrorCode::ADMIN_RESET, vec![]), (ErrorCode(200, 7), vec![1, 2, 3])] {
        let notification = Notification::with_data(code, data);
        let octets = notification.encode();
        let found = frame(&octets, MAX_MESSAGE_LEN).unwrap().unwrap();
        assert_eq!((found.kind, found.whole.len()), (MessageKind::Notification, octets.len()));
        assert_eq!(Notification::decode(found.body), Ok(notification));
    }
    assert_eq!(Notification::decode(&[6]), Err(NotificationError { len: 1 }));
    assert_eq!(Notification::decode(&[]), Err(NotificationError { len: 0 }));
}

#[test]
fn notification_data_is_cut_to_what_fits() {
    let octets = Notification::with_data(ErrorCode::ATTRIBUTE_LENGTH, vec![9; 70_000]).encode();
    assert_eq!(octets.len(), 4096);
    let found = frame(&octets, MAX_MESSAGE_LEN).unwrap().unwrap();
    assert_eq!(Notification::decode(found.body).unwrap().data, vec![9; 4075]);
}

#[test]
fn a_shutdown_communication_is_shown_escaped() {
    let said = |code, data: &[u8]| Notification::with_data(code, data).communication();
    assert_eq!(said(ErrorCode::ADMIN_SHUTDOWN, b"\x05hello"), Some("hello".into()));
    assert_eq!(said(ErrorCode::ADMIN_RESET, b"\x03a\nb rest"), Some(r"a\nb".into()));
    assert_eq!(said(ErrorCode::ADMIN_SHUTDOWN, b"\x02\xff\x1b"), Some(r"\xff\u{1b}".into()));
    assert_eq!(said(ErrorCode::HARD_RESET, b"\x06\x02\x03bye"), Some("bye".into()));
    for (code, data) in [
        (ErrorCode::ADMIN_SHUTDOWN, &b""[..]),
        (ErrorCode::ADMIN_SHUTDOWN, b"\x00"),
        (ErrorCode::ADMIN_SHUTDOWN, b"\x06hello"),
        (ErrorCode::COLLISION, b"\x05hello"),
        (ErrorCode::HARD_RESET, b"\x06"),
        (ErrorCode::HARD_RESET, b"\x06\x07\x03bye"),
    ] {
        assert_eq!(said(code, data), None, "{code} {data:?}");
    }
}

#[test]
fn a_shutdown_communication_is_cut_between_characters() {
    let short = Notification::with_communication(ErrorCode::ADMIN_RESET, "maintenance");
    assert_eq!(short.data, b"\x0bmaintenance");
    assert_eq!(short.communication(), Some("maintenance".into()));
    let long = Notification::with_communication(ErrorCode::ADMIN_SHUTDOWN, &"ü".repeat(200));
    assert_eq!((long.data[0], long.data.len()), (254, 255));
    assert_eq!(long.communication(), Some("ü".repeat(127)));
    assert_eq!(Notification::with_communication(ErrorCode::ADMIN_RESET, "").communication(), None);
}

#[test]
fn a_hard_reset_carries_another_notification() {
    let inner = Notification::with_data(ErrorCode::ADMIN_SHUTDOWN, b"\x03bye");
    let outer = Notification::hard_reset(&inner);
    assert_eq!((outer.code, outer.data.as_slice()), (ErrorCode(6, 9), &b"\x06\x02\x03bye"[..]));
    assert_eq!(outer.communication(), Some("bye".into()));
    assert_eq!(outer.inner(), Some(inner.clone()));
    assert_eq!(outer.to_string(), "6/9 Hard Reset: 6/2 Administrative Shutdown");
    assert_eq!(inner.inner(), None);
    for cut_short in [&[][..], &[6]] {
        let outer = Notification::with_data(ErrorCode::HARD_RESET, cut_short);
        assert_eq!((outer.inner(), outer.to_string().as_str()), (None, "6/9 Hard Reset"));
    }
}

#[test]
fn the_keepalive_is_a_header() {
    assert_eq!(KEEPALIVE.to_vec(), message(4, &[]));
}

#[test]
fn route_refreshes_round_trip() {
    for subtype in
        [RefreshSubtype::Request, RefreshSubtype::Borr, RefreshSubtype::Eorr, RefreshSubtype::Other(9)]
    {
        let refresh = RouteRefresh { afi: 2, safi: 1, subtype };
        let octets = refresh.encode();
        let found = frame(&octets, MAX_MESSAGE_LEN).unwrap().unwrap();
        assert_eq!((found.kind, octets.len()), (MessageKind::RouteRefresh, 23));
        assert_eq!(RouteRefresh::decode(found.body), Ok(refresh));
    }
    assert_eq!(RouteRefresh { afi: 1, safi: 1, subtype: RefreshSubtype::Eorr }.encode()[19..], [0, 1, 2, 1]);
}

#[test]
fn a_route_refresh_of_the_wrong_length_is_answered_with_itself() {
    for wrong in [&[][..], &[0, 1, 0], &[0, 1, 1, 1, 0], &[0, 2, 2, 1, 9, 9]] {
        let error = RouteRefresh::decode(wrong).unwrap_err();
        assert!(error.to_string().contains(&wrong.len().to_string()));
        let wanted = Notification::with_data(ErrorCode(7, 1), message(5, wrong));
        assert_eq!(Notification::from(&error), wanted);
    }
    // Filters behind a request, which were not offered, and whatever an unknown subtype has.
    let request = RouteRefresh { afi: 1, safi: 1, subtype: RefreshSubtype::Request };
    assert_eq!(RouteRefresh::decode(&[0, 1, 0, 1, 1, 64, 0, 9]), Ok(request));
    assert!(RouteRefresh::decode(&[0, 1, 77, 1, 1, 2, 3]).is_ok());
}
