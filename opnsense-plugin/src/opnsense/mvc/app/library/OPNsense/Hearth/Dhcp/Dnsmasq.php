<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\Dhcp;

/**
 * The plan for Dnsmasq: a tag for each firmware and for iPXE, matches that set them, and boot rows
 * for each interface.
 *
 * Of all boot rows that match a client the last one counts, and the page cannot say "without this
 * tag": so iPXE's is the last, and Hearth's are behind those of others.
 */
class Dnsmasq
{
    /**
     * @param array $dnsmasq what is set, see Situation
     * @param array $sites what machines behind each interface are told, by name
     * @return array plan by interface, and changes of both steps
     */
    public static function plan(array $dnsmasq, array $sites): array
    {
        $should = ['tags' => [], 'options' => [], 'boot' => []];
        foreach ($sites as $name => $site) {
            foreach (self::rows($name, $site) as $list => $rows) {
                $should[$list] += $rows;
            }
        }
        $tags = [];
        foreach ($dnsmasq['tags'] as $uuid => $tag) {
            $tags += [$tag['tag'] => $uuid];
        }
        $resolve = function ($row) use ($tags) {
            foreach (['tag', 'set_tag'] as $field) {
                if (isset($row[$field])) {
                    $row[$field] = $tags[$row[$field]] ?? $row[$field];
                }
            }
            return $row;
        };
        $options = array_map($resolve, $should['options']);
        $boot = array_map($resolve, $should['boot']);
        $result = ['interfaces' => [], 'rows' => [], 'references' => []];
        foreach ($should['tags'] as $tag => $row) {
            if (!isset($tags[$tag])) {
                $result['rows'][] = Entry::add('dhcp_tags', $row);
            }
        }
        $changed = self::differs($dnsmasq['options'], $options);
        self::replace('dhcp_options', $dnsmasq['options'], $options, $changed, $result);
        $moved = self::differs($dnsmasq['boot'], $boot) || self::isOvertaken($dnsmasq['boot'], array_keys($sites));
        self::replace('dhcp_boot', $dnsmasq['boot'], $boot, $moved, $result);
        foreach ($dnsmasq['tags'] as $uuid => $tag) {
            if (Entry::isOurs($tag['tag']) && ($tags[$tag['tag']] !== $uuid || !isset($should['tags'][$tag['tag']]))) {
                $result['references'][] = Entry::delete('dhcp_tags', $uuid);
            }
        }
        foreach ($sites as $name => $site) {
            $result['interfaces'][$name] = [
                'rows' => self::table($name, $dnsmasq, $options, $boot, $site),
                'conflicts' => DnsmasqConflicts::of($dnsmasq, $name, $site),
            ];
        }
        return $result;
    }

    /** All of Hearth's rows anew, at the end: rows cannot be moved in another way. */
    private static function replace(string $list, array $is, array $should, bool $needed, array &$result): void
    {
        if (!$needed) {
            return;
        }
        foreach ($is as $uuid => $row) {
            if (Entry::isOurs($row['description'])) {
                $result['references'][] = Entry::delete($list, $uuid);
            }
        }
        foreach ($should as $row) {
            $result['references'][] = Entry::add($list, $row);
        }
    }

    private static function differs(array $is, array $should): bool
    {
        $own = array_values(array_filter($is, fn ($row) => Entry::isOurs($row['description'])));
        if (count($own) != count($should)) {
            return true;
        }
        foreach (array_values($should) as $at => $row) {
            if (array_intersect_key($own[$at], $row) != $row) {
                return true;
            }
        }
        return false;
    }

    /** Whether a row of somebody else's for the same machines comes behind one of ours. */
    private static function isOvertaken(array $boot, array $interfaces): bool
    {
        $ours = false;
        foreach ($boot as $row) {
            if (Entry::isOurs($row['description'])) {
                $ours = true;
            } elseif ($ours && ($row['interface'] === '' || in_array($row['interface'], $interfaces))) {
                return true;
            }
        }
        return false;
    }

    /**
     * @param string $name of the interface
     * @param array $site what machines are told
     * @return array rows of each list by description; tags are named, not yet by uuid
     */
    private static function rows(string $name, array $site): array
    {
        $ipxe = Entry::tag('ipxe');
        $label = Entry::MARK . 'iPXE';
        $rows = [
            'tags' => [$ipxe => ['tag' => $ipxe]],
            'options' => self::option($label, [
                'type' => 'match', 'option' => '77', 'value' => $site['ipxe']['option_77'], 'set_tag' => $ipxe,
            ]) + self::option("$label, no proxy DHCP, $name", [
                'type' => 'set', 'option' => '175', 'interface' => $name, 'tag' => $ipxe,
                'value' => implode(':', str_split($site['ipxe']['option_175'], 2)),
            ]),
            'boot' => [],
        ];
        foreach ($site['rows'] as $row) {
            $tag = Entry::tag($row['tag']);
            $label = Entry::MARK . $row['label'];
            $rows['tags'][$tag] = ['tag' => $tag];
            foreach ($row['option_93'] as $value) {
                $rows['options'] += self::option("$label ($value)", [
                    'type' => 'match', 'option' => '93', 'value' => (string)$value, 'set_tag' => $tag,
                ]);
            }
            if (isset($row['url'])) {
                $rows['options'] += self::option("$label, vendor class, $name", [
                    'type' => 'set', 'option' => '60', 'interface' => $name, 'tag' => $tag,
                    'value' => 'HTTPClient', 'force' => '1',
                ]);
            }
            $rows['boot'] += self::boot($name, $site, $label, $tag, $row['url'] ?? $row['file']);
        }
        $rows['boot'] += self::boot($name, $site, Entry::MARK . 'iPXE', $ipxe, $site['ipxe']['file']);
        return $rows;
    }

    private static function option(string $description, array $values): array
    {
        $empty = ['interface' => '', 'tag' => '', 'set_tag' => '', 'force' => '0'];
        return [$description => $values + $empty + ['description' => $description]];
    }

    /** Both names of the server: with one of them empty the address would land in the other's place. */
    private static function boot(string $name, array $site, string $label, string $tag, string $file): array
    {
        $description = "$label, $name";
        return [$description => [
            'interface' => $name,
            'tag' => $tag,
            'filename' => $file,
            'servername' => $site['address'],
            'address' => $site['address'],
            'description' => $description,
        ]];
    }

    private static function table(string $name, array $dnsmasq, array $options, array $boot, array $site): array
    {
        $is = [];
        foreach (['options', 'boot'] as $list) {
            foreach ($dnsmasq[$list] as $row) {
                $is[$list] = ($is[$list] ?? []) + [$row['description'] => $row];
            }
        }
        $rows = [];
        foreach ($options as $description => $row) {
            if ($row['interface'] === '' || $row['interface'] === $name) {
                $there = $is['options'][$description] ?? null;
                $same = $there !== null && array_intersect_key($there, $row) == $row;
                $rows[] = Entry::row(
                    sprintf(gettext('DHCP option: %s'), substr($description, strlen(Entry::MARK))),
                    $there === null ? '' : self::optionInWords($there) . ($same ? '' : ' *'),
                    self::optionInWords($row),
                    self::why($row)
                );
            }
        }
        foreach ($boot as $description => $row) {
            if ($row['interface'] === $name) {
                $there = $is['boot'][$description] ?? null;
                $same = $there !== null && array_intersect_key($there, $row) == $row;
                $rows[] = Entry::row(
                    sprintf(gettext('DHCP boot: %s'), substr($description, strlen(Entry::MARK))),
                    $there === null ? '' : self::bootInWords($there) . ($same ? '' : ' *'),
                    self::bootInWords($row),
                    $row['filename'] == $site['ipxe']['file']
                        ? gettext('iPXE gets its script, and last: the last row that matches counts.')
                        : gettext('The loader for this firmware, and the server that has it.')
                );
            }
        }
        if (self::isOvertaken($dnsmasq['boot'], [$name])) {
            $rows[] = Entry::row(
                gettext('DHCP boot: order'),
                gettext('rows of others behind these'),
                gettext('these at the end'),
                gettext('The last row that matches counts.')
            );
        }
        return $rows;
    }

    private static function optionInWords(array $row): string
    {
        return $row['type'] == 'match'
            ? sprintf(gettext('if option %s is %s'), $row['option'], $row['value'])
            : sprintf(gettext('send option %s: %s'), $row['option'], $row['value']);
    }

    private static function bootInWords(array $row): string
    {
        return sprintf('%s, %s', $row['filename'], $row['address']);
    }

    private static function why(array $row): string
    {
        if ($row['option'] == '60') {
            return gettext('Firmware takes an answer for HTTP boot only if it says HTTPClient.');
        } elseif ($row['option'] == '175') {
            return gettext('iPXE need not wait two seconds for a proxy DHCP server.');
        } elseif ($row['option'] == '77') {
            return gettext('How iPXE is known.');
        }
        return gettext('How this firmware is known.');
    }
}
