use super::*;

#[test]
fn the_pauses_double_from_a_second_to_a_minute() {
    let pauses = std::iter::successors(Some(Options::default().first_pause), |pause| Some(longer(*pause)));
    let seconds: Vec<u64> = pauses.take(9).map(|pause| pause.as_secs()).collect();
    assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
}
