<?php

/* Lets a test call the DHCP planner, which needs nothing of OPNsense: JSON in, JSON out. */

error_reporting(E_ALL);
set_error_handler(function ($number, $text, $file, $line) {
    throw new \ErrorException($text, 0, $number, $file, $line);
});
spl_autoload_register(function ($class) {
    $library = __DIR__ . '/../../../opnsense-plugin/src/opnsense/mvc/app/library/';
    require $library . str_replace('\\', '/', $class) . '.php';
});
if (!function_exists('gettext')) {
    function gettext($text)
    {
        return $text;
    }
}

use OPNsense\Hearth\Dhcp\Fields;
use OPNsense\Hearth\Dhcp\Plan;
use OPNsense\Hearth\Dhcp\Undo;

$asked = json_decode(stream_get_contents(STDIN), true);
switch ($argv[1]) {
    case 'plan':
        $fields = $asked['fields'];
        $asked['fields'] = $fields === null ? null : new Fields(is_string($fields) ? $fields : json_encode($fields));
        $plan = Plan::of($asked);
        $plan['repairs'] = Plan::repairs($plan, $asked['repairs'] ?? []);
        echo json_encode($plan);
        break;
    case 'undo':
        $states = array_map(function ($text) {
            $document = new DOMDocument();
            $document->preserveWhiteSpace = false;
            $document->loadXML("<top>$text</top>");
            return $document;
        }, $asked);
        Undo::apply(...array_map(fn ($state) => $state->documentElement->firstElementChild, [
            'now' => $states['now'], 'before' => $states['before'], 'after' => $states['after'],
        ]));
        echo json_encode($states['now']->saveXML($states['now']->documentElement->firstChild));
        break;
}
