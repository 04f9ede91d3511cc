#!/usr/local/bin/php
<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * apply.php DIGEST [REPAIR,REPAIR,...]: the plan that has this digest (`-` for any), and these
 * conflicts (`-` for none). It calls itself as `apply.php references` for the second step.
 */

require_once 'script/load_phalcon.php';

use OPNsense\Core\Shell;
use OPNsense\Hearth\Dhcp\Wiring;

$first = $argv[1] ?? '';
$repairs = array_diff(explode(',', $argv[2] ?? '-'), ['-']);
try {
    if ($first == 'references') {
        $result = Wiring::complete();
    } elseif ($first !== '-' && !preg_match('/^[0-9a-f]{64}$/D', $first)) {
        $result = ['status' => 'failed', 'message' => gettext('Say which plan is meant: its digest, or - for any.')];
    } elseif (preg_grep('/^[0-9a-f]{12}$/D', $repairs, PREG_GREP_INVERT) !== []) {
        $result = ['status' => 'failed', 'message' => gettext('A repair is the id of a conflict of the plan.')];
    } else {
        $result = Wiring::begin($repairs, $first == '-' ? '' : $first);
        if (!empty($result['references'])) {
            $text = Shell::shell_safe('/usr/local/bin/php %s references', [__FILE__]);
            $result = json_decode((string)$text, true) ?? ['status' => 'failed', 'message' => (string)$text];
            if ($result['status'] == 'failed') {
                Wiring::abandon();
            }
        }
        $result = Wiring::reconfigure($result);
    }
} catch (\Throwable $error) {
    $result = ['status' => 'failed', 'message' => $error->getMessage()];
}
echo json_encode($result, JSON_INVALID_UTF8_SUBSTITUTE) . PHP_EOL;
